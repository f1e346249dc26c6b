import path from 'node:path';

import { usageError } from '../../platform/errors/errors.ts';
import { jitterOf } from '../../platform/jitter.ts';
import { shellWord } from '../../text/shell-word.ts';
import { cronSchedule, schedulablePause } from '../command/cron-schedule.ts';

export interface CronBlockOptions {
  /** Absolute paths. */
  readonly node: string;
  readonly program: string;
  readonly config: string;
  readonly everyMs: number;
  /** The name of this machine, which decides on the minutes: other hosts start at other ones. */
  readonly host: string;
  /** The site whose collectors share a fleet and start at the same minute. `null`: `host` decides on the minutes. */
  readonly site: string | null;
  /** False if the alerter does not run here. Default: true. */
  readonly alerts?: boolean;
  /** The mail address for the programs' output, which names what prevented a run. */
  readonly mailTo: string;
  /** The account that runs the lines of a file of /etc/cron.d. null: for the account's own crontab. */
  readonly user: string | null;
  /** The absolute path of certificates of private authorities, for Node. Default: none. */
  readonly caFile?: string | null;
}

const begin = '# BEGIN fleet-health (made by `fleet-health crontab`)';
const end = '# END fleet-health';
/** crontab(5) of Debian allows a command 998 characters. */
const maxCommandLength = 998;

/**
 * Returns the NODE_EXTRA_CA_CERTS of this process, for programs that start without it; null if the variable is not set.
 * Throws FleetError `usage` for a value that is no absolute path, or whose notation in crontabs and units differs.
 */
export function ownCaFile(value = process.env['NODE_EXTRA_CA_CERTS'] ?? ''): string | null {
  if (value === '') return null;
  if (/^\/[\w./+@:, -]*[\w.]$/.test(value)) return value;
  throw usageError(
    `NODE_EXTRA_CA_CERTS=${JSON.stringify(value)} cannot stand in a crontab or unit`,
    'Name the file by an absolute path of letters, digits and ./+@:,_- with blanks, or unset the variable.',
  );
}

/**
 * Returns the lines that start the programs, between two comments. Throws FleetError `usage` for values that cron
 * cannot hold.
 */
export function cronBlock(options: CronBlockOptions): string {
  const { node, everyMs, host, site, mailTo, user, alerts = true, caFile = null } = options;
  const paths = [node, options.program, options.config];
  if (paths.some((one) => /[\r\n]/.test(one))) throw usageError('a path with a line break cannot stand in a crontab');
  if (!/^[\w.+@-]*$/.test(mailTo)) throw usageError(`--mail-to ${JSON.stringify(mailTo)} is no address`);
  if (user !== null && !/^[a-z_][\w.-]*$/i.test(user)) {
    throw usageError(`--cron-d ${JSON.stringify(user)} is no name of an account`);
  }
  // cron reads % as a line break.
  const [runtime, script, config] = paths.map((one) => shellWord(one).replaceAll('%', '\\%'));
  const program = `${runtime} ${script} -q -c ${config}`;
  if (program.length + 30 > maxCommandLength) throw usageError('the paths are too long for a line of a crontab');
  const account = user === null ? '' : `${user} `;
  const alert = `* * * * * ${account}sleep ${5 + (jitterOf(host) % 45)}; ${program} alert\n`;
  const folders = new Set([path.dirname(node), '/usr/local/bin', '/usr/bin', '/bin']);
  return `${begin}
SHELL=/bin/sh
PATH=${[...folders].join(':')}
MAILTO=${mailTo}
${caFile === null ? '' : `NODE_EXTRA_CA_CERTS=${caFile}\n`}${cronSchedule(schedulablePause(everyMs), site ?? host)} ${account}${program} collect
${alerts ? alert : ''}${end}
`;
}

/**
 * Returns a crontab with the block at its end in place of an earlier block; null removes the block. The block stands
 * last because its variables hold for all lines below.
 */
export function withBlock(crontab: string, block: string | null): string {
  const lines = crontab.split('\n');
  // An editor may have left other ends of lines, or blanks.
  const bare = lines.map((line) => line.trim());
  const first = bare.indexOf(begin);
  const last = bare.indexOf(end, first);
  if (first !== -1 && last === -1)
    throw usageError(`the crontab has ${begin}, but not ${end}`, 'Mend it by crontab -e.');
  if (first !== -1 && bare.indexOf(begin, first + 1) !== -1 && bare.indexOf(begin, first + 1) < last) {
    throw usageError(`the crontab has ${begin} twice before ${end}`, 'Mend it by crontab -e.');
  }
  const kept = first === -1 ? lines : [...lines.slice(0, first), ...lines.slice(last + 1)];
  const text = kept.join('\n').trimEnd();
  return `${text === '' ? '' : `${text}\n`}${block ?? ''}`;
}
