/** The shell text that brings the shell agent (agent/shell) to a client without node, and the command line made of it. */
import { findMachine } from '../report/loader-text.ts';
import { commandLine, loaderStatus, prelude } from './loader.ts';
import type { ShellStart, StartOptions } from './loader.ts';

// $4 length, $5 digest, $6 collector, $7 marker of the agent, $8 folder, $9 request. The agent installs itself, from the
// environment.
const bringShellText = [
  ...prelude,
  'echo "fh-$1-loader-"',
  ...findMachine,
  // Its last byte is no line break, which this would lose; it is plain ASCII, so that chars are bytes.
  'fh_agent=$(cat)',
  `[ \${#fh_agent} = $4 ]||exit ${loaderStatus.broughtDamaged}`,
  'k=w',
  // An old BusyBox takes only `timeout -t SECONDS`: there the agent has its own watchdog.
  'timeout -s KILL 9 true >/dev/null 2>&1&&k=t',
  'export fh_agent',
  'set -- /bin/sh -c "$fh_agent" fh $7 $t $k "$m" $6 $8 $5 "$9"',
  '[ $k = w ]||set -- timeout -s KILL $t "$@"',
  'exec "$@"',
].join(';');

export interface BringShellOptions extends StartOptions {
  readonly lengthBytes: number;
  readonly collectorId: string;
  readonly shell: ShellStart;
}

/** The command line of a visit whose stdin is the shell agent, to its end. Throws as runCommand does. */
export function bringShellCommand(options: BringShellOptions): string {
  const { lengthBytes, collectorId, shell, request } = options;
  const { digest, marker, folder } = shell;
  return commandLine(options, bringShellText, [String(lengthBytes), digest, collectorId, marker, folder, request]);
}
