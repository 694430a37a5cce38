/*
 * Lets user-mode-linux run on processors with more registers than it knows.
 *
 * It keeps a process's registers in 2696 bytes, and hands them back by PTRACE_SETREGSET. Those of processors with AMX
 * have 11 KiB, and the kernel takes them whole or not at all: a program's first instruction fails. Linux 6.12 asks for
 * the size. Preloaded, this hands on the registers that user-mode-linux does not know as they are.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char registers[1 << 16];

long ptrace(enum __ptrace_request request, ...) {
  va_list rest;
  va_start(rest, request);
  pid_t pid = va_arg(rest, pid_t);
  void *address = va_arg(rest, void *);
  void *data = va_arg(rest, void *);
  va_end(rest);

  long word;
  switch (request) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
    case PTRACE_PEEKUSER: /* The system call gives the word by a pointer, glibc's function returns it. */
      if (syscall(SYS_ptrace, request, pid, address, &word) < 0) return -1;
      errno = 0;
      return word;
    case PTRACE_SETREGSET:
      if ((long)address == NT_X86_XSTATE) {
        struct iovec *known = data, all = {registers, sizeof registers};
        if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, address, &all) < 0) return -1;
        if (known->iov_len < all.iov_len) {
          memcpy(registers, known->iov_base, known->iov_len);
          return syscall(SYS_ptrace, request, pid, address, &all);
        }
      }
      /* fall through */
    default:
      return syscall(SYS_ptrace, request, pid, address, data);
  }
}
