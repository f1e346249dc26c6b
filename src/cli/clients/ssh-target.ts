import type { Client } from '../../config/config.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import type { Hop } from '../../transport/route/hop.ts';

/**
 * Returns an ssh(1) command line as people type it, for an account of the last hop. Names the earlier hops (`-J`) and
 * the port, unless the ssh_config that ssh reads by itself names them.
 */
export function sshCommand(
  hops: readonly Hop[],
  { address, addressExplicit }: Pick<Client, 'address' | 'addressExplicit'>,
  account: string,
): string {
  const last = hops.at(-1);
  if (last === undefined) return 'sh';
  const { files, overruled } = last.sshConfig;
  const bySsh = !addressExplicit && !overruled;
  const jumps = hops.slice(0, -1).map(jumpSpec).join(',');
  return [
    'ssh',
    // ssh finds the two usual files itself.
    ...(!addressExplicit && files.length === 1 ? [`-F ${shownShellWord(files[0] ?? '')}`] : []),
    ...(jumps === '' || bySsh ? [] : [`-J ${shownShellWord(jumps)}`]),
    ...(addressExplicit && last.port !== 22 ? [`-p ${last.port}`] : []),
    `${shownShellWord(account)}@${shownShellWord(address)}`,
  ].join(' ');
}

/** Returns one hop of `-J`, by its name in ssh_config if an ssh_config is read. */
function jumpSpec({ username, address, port, sshConfig }: Hop): string {
  const host = sshConfig.files.length > 0 ? sshConfig.host : address;
  return `${username}@${host.includes(':') ? `[${host}]` : host}:${port}`;
}
