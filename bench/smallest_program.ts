/** A program of which only the start and the end cost anything. */

/**
 * A whole x86_64 program in 129 bytes: it calls exit(0). `/bin/true` spends most of its time in the dynamic loader;
 * what this one takes is the kernel's part and that of whoever starts it. Source: elf(5), System V ABI.
 */
// deno-fmt-ignore
const SMALLEST_PROGRAM = new Uint8Array([
  // Elf64_Ehdr
  0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, // e_ident: ELF, 64 bits, little-endian, version 1, SysV
  2, 0, 0x3e, 0, 1, 0, 0, 0,     // e_type ET_EXEC, e_machine EM_X86_64, e_version 1
  0x78, 0, 0x40, 0, 0, 0, 0, 0,  // e_entry: behind both headers
  0x40, 0, 0, 0, 0, 0, 0, 0,     // e_phoff: behind this header
  0, 0, 0, 0, 0, 0, 0, 0,        // e_shoff: no sections
  0, 0, 0, 0, 0x40, 0, 0x38, 0,  // e_flags, e_ehsize 64, e_phentsize 56
  1, 0, 0, 0, 0, 0, 0, 0,        // e_phnum 1, e_shentsize, e_shnum, e_shstrndx
  // Elf64_Phdr
  1, 0, 0, 0, 5, 0, 0, 0,        // p_type PT_LOAD, p_flags PF_R | PF_X
  0, 0, 0, 0, 0, 0, 0, 0,        // p_offset: the whole file
  0, 0, 0x40, 0, 0, 0, 0, 0,     // p_vaddr 0x400000
  0, 0, 0x40, 0, 0, 0, 0, 0,     // p_paddr
  0x81, 0, 0, 0, 0, 0, 0, 0,     // p_filesz 129
  0x81, 0, 0, 0, 0, 0, 0, 0,     // p_memsz
  0, 0x10, 0, 0, 0, 0, 0, 0,     // p_align: a page
  // _start
  0xb8, 0x3c, 0, 0, 0,           // mov eax, 60 (exit)
  0x31, 0xff,                    // xor edi, edi
  0x0f, 0x05,                    // syscall
]);

/**
 * Writes the smallest program into a folder.
 *
 * @returns its path; undefined on an architecture that its bytes are not for
 */
export function writeSmallestProgram(folder: string): string | undefined {
  if (Deno.build.arch !== "x86_64") return undefined;
  const path = `${folder}/smallest`;
  Deno.writeFileSync(path, SMALLEST_PROGRAM, { mode: 0o755 });
  return path;
}
