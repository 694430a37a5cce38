/** The command as it is installed. */

/** Installs it below `folder`, once; its path. */
export async function install(folder: string): Promise<string> {
  const prefix = `${folder}/installed`;
  const command = `${prefix}/bin/minicontainer`;
  if (await Deno.stat(command).then(() => true, () => false)) return command;
  const args = ["task", "--quiet", "install", "--prefix", prefix];
  const { success } = await new Deno.Command(Deno.execPath(), { args, stdout: "null" }).output();
  if (!success) throw new Error("the command cannot be installed");
  return command;
}
