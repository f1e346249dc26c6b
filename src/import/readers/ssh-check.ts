import { splitWords } from '../../report/check-command.ts';
import type { ImportedCheck } from '../imported.ts';

/** A command of check_by_ssh: what it runs on the machine, and how it logs in. */
export interface SshCheck extends ImportedCheck {
  /** The values of -l, -p and -i. */
  readonly login: ReadonlyMap<string, string>;
  /** The options that have no field here, such as `-t`. */
  readonly others: readonly string[];
}

const long: Readonly<Record<string, string>> = {
  ...{ hostname: 'H', command: 'C', user: 'u', logname: 'l', identity: 'i', port: 'p', timeout: 't' },
  ...{ 'ssh-option': 'o', configfile: 'F', output: 'O', name: 'n', services: 's' },
};
const withArgument = 'HClipuotFOns';

/**
 * Returns the check of a command line (https://www.monitoring-plugins.org/doc/man/check_by_ssh.html). Returns null if it
 * runs on another machine than the given ones, or if only Nagios can fill in its command.
 */
export function sshCheckOf(options: {
  readonly name: string;
  readonly line: string;
  readonly addresses: readonly (string | null)[];
}): SshCheck | null {
  const words = splitWords(options.line)?.words ?? [];
  const start = words.findIndex((word) => /(?:^|\/)check_by_ssh$/.test(word));
  const values = new Map<string, string>();
  const others: string[] = [];
  for (let at = start + 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [, name, given] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = name === undefined ? word.slice(1, 2) : (long[name] ?? '');
    if (!word.startsWith('-') || flag === '' || !withArgument.includes(flag)) {
      others.push(/^--?\w[\w-]*/.exec(word)?.[0] ?? 'without a name');
      continue;
    }
    const attached = name === undefined ? word.slice(2) || undefined : given;
    if (attached === undefined) at += 1;
    const value = attached ?? words[at] ?? '';
    if ('HClip'.includes(flag)) values.set(flag, value);
    else others.push(`-${flag}`);
  }
  const command = values.get('C');
  const target = values.get('H') ?? '$HOSTADDRESS$';
  // Only Nagios can fill in a macro such as $HOSTADDRESS$.
  if (start === -1 || command === undefined || /\$\w+\$/.test(command)) return null;
  if (!['$HOSTADDRESS$', '$HOSTNAME$', ...options.addresses].includes(target)) return null;
  return { name: options.name, command, login: values, others };
}
