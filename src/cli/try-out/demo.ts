import { once } from 'node:events';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { shownShellWord } from '../../text/shell-word.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { reportCommand } from '../look/report.ts';
import { alertCommand } from '../alerts/alert.ts';
import { collectCommand } from '../runs/collect.ts';
import { statusCommand } from '../status/status.ts';
import type { Output } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';
import { trustCommand } from '../trust/trust.ts';
import { type DemoFleet, demoNames, setDiskLimit, startDemoFleet } from './demo-fleet.ts';

interface Question {
  readonly about: string;
  readonly sql: string;
}

const questions: readonly Question[] = [
  {
    about: 'Which mounts are the fullest now?',
    sql: `SELECT l.client, d.mount, d.used_percent, d.size_bytes
  FROM latest_stats l JOIN disk_stats d ON d.stat_id = l.id
 ORDER BY d.used_percent DESC LIMIT 5`,
  },
  {
    about: 'Which visits failed, and why?',
    sql: `SELECT client, started_at, code, message
  FROM visits WHERE ok = 0 ORDER BY started_at DESC LIMIT 5`,
  },
  {
    about: 'What has been alerted, and for how long?',
    sql: `SELECT client, rule, subject, state, firing_since, firing_s
  FROM alert_history ORDER BY firing_since DESC LIMIT 5`,
  },
];

/** Runs `demo`: shows a whole fleet on this machine, and leaves a folder to go on with. */
export async function demoCommand(
  context: Context,
  options: { readonly dir: string; readonly serve: boolean },
): Promise<ExitStatus> {
  const fleet = await startDemoFleet(path.resolve(options.dir));
  try {
    return await (options.serve ? serve(context, fleet) : show(context, fleet));
  } finally {
    await fleet.close();
  }
}

async function serve({ output, signal }: Context, fleet: DemoFleet): Promise<ExitStatus> {
  output.print(`The SSH servers of ${fleet.dir} are running; Ctrl-C ends them. Meanwhile, in another terminal:\n`);
  output.print(`  cd ${shownShellWord(fleet.dir)}\n  ${programName()} collect && ${programName()} status`);
  if (!signal.aborted) await once(signal, 'abort');
  return 0;
}

/** The options of `status` beside the clients: all rows, once. */
const wholeStatus = { failing: false, notVisited: false, sort: 'urgency', watch: false, exitStatus: false } as const;

async function show(context: Context, fleet: DemoFleet): Promise<ExitStatus> {
  const { output } = context;
  const inside: Context = { ...context, configFile: fleet.configFile, output: forPeople(output) };
  const say = (text: string): void => inside.output.print(text);
  const everyone = { clients: [], group: null, label: null };
  const everything = { dryRun: false, noOpen: false, format: null, concurrency: null, retry: null };
  const run = async (shown: string, command: () => Promise<ExitStatus>): Promise<ExitStatus> => {
    say(`\n${shown}`);
    const status = await command();
    context.signal.throwIfAborted();
    return status;
  };
  const pass = (): Promise<ExitStatus> =>
    run('$ fleet-health collect', () => collectCommand(inside, { ...everyone, ...everything }));
  const verbose: Context = { ...inside, output: { ...inside.output, verbosity: 'verbose' } };
  const alertPass = (why: string): Promise<ExitStatus> =>
    run(`${why}\n\n$ fleet-health -v alert`, () => alertCommand(verbose, { dryRun: false }));

  say(
    `${fleet.kept ? 'The fleet of an earlier demo' : 'A small fleet'} in ${fleet.dir}: three SSH servers on loopback,`,
  );
  say('each with a home of its own, and this machine itself.');

  say('\n$ fleet-health trust --yes');
  const trusted = await trustCommand(inside, { ...everyone, yes: true, replace: false, from: null });
  const first = await pass();
  if (fleet.needsLimit) await limitFullestMount(inside, fleet);
  await fleet.stop(demoNames.leaving);
  say(`\n${demoNames.leaving} goes away.`);
  const second = await pass();
  const firstAlert = await alertPass('The full disk and the machine that went away are one mail.');
  const secondAlert = await alertPass('Nobody is notified twice.');
  await fleet.start(demoNames.leaving);
  say(`\n${demoNames.leaving} comes back.`);
  const third = await pass();
  const thirdAlert = await alertPass('Its end is notified to the same people; the disk is as full as it was.');
  say('\n$ fleet-health status');
  await statusCommand(inside, { ...everyone, ...wholeStatus });
  await answer(inside);
  say('\n$ fleet-health report -o report.html --since 1h');
  const report = path.join(fleet.dir, 'report.html');
  await reportCommand(
    { ...inside, output: { ...inside.output, print: () => undefined } },
    { ...everyone, file: report, split: null, since: '1h', until: null, maxSize: '8MiB' },
  );
  say('The fleet as one page, with plots.');
  say(`\n${farewell(fleet.dir, pathToFileURL(report).href)}`);

  // The second pass has to fail for the stopped client, and only for that client.
  const passes = [first, second, third];
  const alerts = [firstAlert, secondAlert, thirdAlert];
  const well = trusted === 0 && passes.join() === '0,1,0' && alerts.join() === '0,0,0';
  if (output.json) output.printJson({ command: 'demo', dir: fleet.dir, config: fleet.configFile, passes, alerts });
  return well ? 0 : 1;
}

/** Sets the limit of one client just below the fill level of its fullest mount. */
async function limitFullestMount(context: Context, { configFile }: DemoFleet): Promise<void> {
  const sql =
    `SELECT MAX(used_percent) AS used FROM disk_stats WHERE client = '${demoNames.tight}' AND scope = ` + `'local'`;
  const { storage } = loadSettings(context);
  const [row] = await readStored(storage, context.signal, async (stored) => (await stored?.history.query(sql)) ?? []);
  setDiskLimit(configFile, typeof row?.['used'] === 'number' ? row['used'] : null);
}

async function answer(context: Context): Promise<void> {
  const { output, signal } = context;
  await readStored(loadSettings(context).storage, signal, async (stored) => {
    for (const { about, sql } of questions) {
      const rows = (await stored?.history.query(sql)) ?? [];
      const columns = Object.keys(rows[0] ?? {}).map((title) => ({
        title,
        shrinks: title === 'message',
        cell: (row: Readonly<Record<string, unknown>>) => cellText(row[title]),
      }));
      output.print(`\n${about}\n\n  ${sql.replaceAll('\n', '\n  ')}\n`);
      output.print(renderTable(output, columns, rows));
    }
  });
}

function cellText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null ? '-' : JSON.stringify(value);
}

function farewell(dir: string, report: string): string {
  const program = programName();
  const nearby = path.relative(process.cwd(), dir);
  return `The folder is yours to play on with:

  cd ${shownShellWord(nearby.startsWith('..') ? dir : nearby)}
  ${program} collect ${demoNames.local}
  ${program} status
  ${program} alerts

collects from this machine, without SSH, and shows what is open. The three servers have ended: \`collect\` without a name
does not reach them, and \`alert\` says so. They run again, until Ctrl-C, with

  ${program} demo --serve --dir .

and then \`collect\` in another terminal reaches them all. config.xml is yours to change; \`check\` says what is wrong with it.
The rows are in state/fleet.db (SQLite), the mails in state/outbox. Removing the folder removes everything but what the agent of ${demoNames.local}
keeps in ~/.local/state/fleet-health.

To look at the fleet as it was just now, open ${report} in a browser. The page that follows each run is
at http://localhost:5151/ while this runs in the folder, until Ctrl-C:

  ${program} serve`;
}

/** Returns an output with tables even if the demo prints into a pipe, or a silent one with --json. */
function forPeople(output: Output): Output {
  const silent = output.json;
  return {
    ...output,
    json: false,
    terminal: true,
    attended: true,
    verbosity: 'normal',
    ...(silent ? { print: () => undefined, complain: () => undefined } : {}),
  };
}

/** Returns the command that runs this program: `node FILE` if it may not be in PATH. */
function programName(): string {
  const script = process.argv[1] ?? 'fleet-health';
  return path.basename(script) === 'fleet-health' ? 'fleet-health' : `node ${shownShellWord(path.resolve(script))}`;
}
