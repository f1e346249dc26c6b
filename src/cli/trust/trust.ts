import { readFileSync } from 'node:fs';

import { append } from '../../platform/group-by.ts';
import type { Config } from '../../config/config.ts';
import { FleetError, errorTable, fileFault, messageOf, usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { refuseFileOfOthers, tryStateFolder } from '../../state-folder/state-folder.ts';
import { decodeText } from '../../text/plain-text.ts';
import { dialThrough, laneOf } from '../../transport/bastions/bastion-pool.ts';
import { fingerprint, type HostKey, keyTypeName } from '../../transport/known-hosts/fingerprint.ts';
import { parseTrustSource } from '../../transport/known-hosts/trust-source.ts';
import { addKnownHosts, replaceKnownHosts } from '../../transport/known-hosts/write-known-hosts.ts';
import { scanHostKeys } from '../../transport/ssh2/scan-host-keys.ts';
import { createTransportShared } from '../../transport/transport-shared.ts';
import { concurrently } from '../command/concurrently.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { confirm } from '../command/question.ts';
import { loadSettings } from '../command/settings.ts';
import type { Output } from '../terminal/output.ts';
import { progressOf } from '../terminal/progress.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import type { trustParameters } from './parameters.ts';
import { type TrustMachine, type TrustRoute, trustMachines } from './trust-machines.ts';
import { planTrust, type TrustPlan, type TrustSurroundings } from './trust-plan.ts';

/** The number of machines that are asked for their keys at a time. */
const scanLimit = 32;

type Result = 'added' | 'replaced' | 'known' | 'local' | 'differs' | 'declined' | 'failed';

/**
 * Runs `trust`: fetches host keys, shows them, asks, and stores them as known_hosts lines. Asks once for all machines
 * that are reached directly, then for machines behind them, which can be asked only through a trusted machine.
 */
export async function trustCommand(context: Context, options: OptionsOf<typeof trustParameters>): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const source = options.from === null ? null : readSource(options.from);
  for (const note of source?.content.notes ?? []) output.complain(note);
  const machines = trustMachines(config, options, createTransportShared({ config }));
  refuseKnownHostsOfOthers(config, machines);
  const results: { readonly plan: TrustPlan; readonly result: Result }[] = [];
  for (const level of byDepth(machines)) {
    const plans = await makePlans(context, config, level, source);
    signal.throwIfAborted();
    const writable = plans.filter(({ kind }) => kind === 'new' || (kind === 'differs' && options.replace));
    if (!output.json) output.print(`${results.length > 0 ? '\n' : ''}${trustText(output, plans, options.replace)}`);
    const agreed =
      writable.length === 0 ||
      options.yes ||
      source !== null ||
      (await confirm(context, questionFor(writable), () => unasked(writable)));
    if (!agreed) output.print('Nothing was trusted.');
    else {
      write(writable);
      for (const note of leftInPlace(writable)) output.complain(note);
      if (!output.json && output.verbosity !== 'quiet' && writable.length > 0)
        output.print(`\n${countKeys(writable)} trusted.`);
    }
    append(
      results,
      plans.map((plan) => ({ plan, result: resultOf(plan, options.replace, agreed) })),
    );
  }
  const exitStatus = results.every(({ result }) => ['added', 'replaced', 'known', 'local'].includes(result)) ? 0 : 1;
  if (output.json) output.printJson({ command: 'trust', exit_status: exitStatus, clients: results.map(resultJson) });
  return exitStatus;
}

/** Throws before any question is asked: cron's account could not read a known_hosts that root writes. */
function refuseKnownHostsOfOthers({ stateDir }: Config, machines: readonly TrustMachine[]): void {
  const paths = statePaths(stateDir);
  const files = new Set(machines.flatMap(({ route }) => route?.hop.knownHosts.slice(0, 1) ?? []));
  for (const file of files) {
    if (file === paths.knownHosts) tryStateFolder(paths, []);
    else refuseFileOfOthers(file);
  }
}

/** Groups machines by the number of hops before them. Only the first group may be empty. */
function byDepth(machines: readonly TrustMachine[]): readonly (readonly TrustMachine[])[] {
  const levels: TrustMachine[][] = [[]];
  for (const machine of machines) {
    const depth = machine.route?.outer.length ?? 0;
    while (levels.length <= depth) levels.push([]);
    levels[depth]?.push(machine);
  }
  return levels.filter((level, index) => index === 0 || level.length > 0);
}

async function makePlans(
  { output, signal }: Context,
  config: Config,
  machines: readonly TrustMachine[],
  source: TrustSurroundings['source'],
): Promise<readonly TrustPlan[]> {
  // Created again, because known_hosts may have grown.
  const shared = createTransportShared({ config });
  const { tcpTimeoutMs, connectTimeoutMs: timeoutMs } = config.collector;
  const scan = async ({ hop, outer }: TrustRoute): Promise<readonly HostKey[]> => {
    const { name: client, address: host, port, family, kex } = hop;
    const target = { client, host, port, family, kex, timeoutMs, signal };
    if (outer.length === 0) return await scanHostKeys(target);
    const through = dialThrough(await shared.bastions.reach(outer, { client, lane: laneOf(host) }, signal), hop);
    const dial = (connectTimeoutMs: number): ReturnType<typeof through> =>
      through({ tcpTimeoutMs, connectTimeoutMs, signal });
    return await scanHostKeys({ ...target, dial });
  };
  const knownHosts: TrustSurroundings['knownHosts'] = ([first = '', ...others]) => shared.knownHosts(first, ...others);
  const progress = (await progressOf(output))('asking', machines.length);
  try {
    return await concurrently(machines, scanLimit, async (machine) => {
      const plan = await planTrust(machine, { source, knownHosts, scan });
      progress.step();
      return plan;
    });
  } finally {
    progress.end();
    await shared.close();
  }
}

function readSource(file: string): NonNullable<TrustSurroundings['source']> {
  let text: string;
  try {
    // PowerShell writes UTF-16 where the output of ssh-keyscan is redirected.
    text = decodeText(readFileSync(file));
  } catch (thrown) {
    const advice = 'Name a known_hosts file, or one with lines of `name SHA256:...`.';
    throw usageError(`--from: ${file} cannot be read: ${fileFault(thrown)}`, advice);
  }
  return { file, content: parseTrustSource(text, file) };
}

/** Returns the question before keys are written. The question names machines whose keys are replaced. */
export function questionFor(plans: readonly TrustPlan[]): string {
  const added = plans.filter(({ kind }) => kind === 'new');
  const replaced = plans.filter(({ kind }) => kind === 'differs').map(({ machine }) => machine.name);
  const count = added.reduce((sum, { keys }) => sum + keys.length, 0);
  const trust = count === 1 ? 'rust this key' : `rust these ${count} keys`;
  if (replaced.length === 0) return `T${trust}?`;
  const shown = replaced.length > 5 ? [...replaced.slice(0, 5), `${replaced.length - 5} more`] : replaced;
  const replace = `eplace the known key${replaced.length === 1 ? '' : 's'} of ${shown.join(', ')}`;
  return count === 0 ? `R${replace}?` : `T${trust} and r${replace}?`;
}

function unasked(plans: readonly TrustPlan[]): FleetError {
  return usageError(
    `${countKeys(plans)} to be trusted, and no terminal to ask on`,
    'Compare the fingerprints and use --yes, or --from FILE.',
  );
}

function countKeys(plans: readonly TrustPlan[]): string {
  const count = plans.reduce((sum, { keys }) => sum + keys.length, 0);
  return (
    `${count} ${count === 1 ? 'key' : 'keys'} of ${plans.length} ` +
    `${machineWord(plans)}${plans.length === 1 ? '' : 's'}`
  );
}

function write(plans: readonly TrustPlan[]): void {
  const files = new Set(plans.map(fileOf));
  for (const file of files) {
    const hosts = (kind: TrustPlan['kind']): { name: string; keys: readonly HostKey[] }[] =>
      plans.flatMap((plan) =>
        plan.kind === kind && plan.machine.route !== null && fileOf(plan) === file
          ? [{ name: plan.machine.route.hop.knownAs, keys: plan.keys }]
          : [],
      );
    try {
      addKnownHosts(file, hosts('new'), Date.now());
      if (hosts('differs').length > 0) replaceKnownHosts(file, hosts('differs'), Date.now());
    } catch (thrown) {
      throw new FleetError({ code: 'state-unusable', stage: 'keys', message: messageOf(thrown), cause: thrown });
    }
  }
}

/** Returns the file that new keys are written to. */
function fileOf({ machine }: TrustPlan): string {
  return machine.route?.hop.knownHosts[0] ?? '';
}

/** Returns notes on old keys in files that this command does not write: these keys are still accepted. */
function leftInPlace(plans: readonly TrustPlan[]): readonly string[] {
  return plans.flatMap((plan) =>
    plan.knownKeys
      .filter(({ file, key }) => file !== fileOf(plan) && !plan.keys.some((shown) => shown.key === key))
      .map(
        ({ file, line, key }) =>
          `${file} line ${line} still has ${fingerprint(key)} for ${plan.machine.name}; remove it there`,
      ),
  );
}

function resultOf({ kind }: TrustPlan, replacing: boolean, agreed: boolean): Result {
  if (kind === 'known' || kind === 'local' || kind === 'failed') return kind;
  if (kind === 'differs' && !replacing) return 'differs';
  if (!agreed) return 'declined';
  return kind === 'new' ? 'added' : 'replaced';
}

function resultJson({ plan, result }: { readonly plan: TrustPlan; readonly result: Result }): unknown {
  const show = (keys: readonly HostKey[]): unknown =>
    keys.map((key) => ({ type: keyTypeName(key.type), fingerprint: fingerprint(key.key) }));
  return {
    client: plan.machine.name,
    kind: plan.machine.kind,
    address: plan.machine.address,
    port: plan.machine.port,
    result,
    keys: show(plan.keys),
    known_keys: show(plan.knownKeys),
    code: plan.fault?.code ?? null,
    message: plan.fault?.message ?? null,
  };
}

/** Returns the fingerprints to compare, as `ssh-keygen -lf` writes them, and the known and failed machines. */
function trustText(output: Output, plans: readonly TrustPlan[], replacing: boolean): string {
  const kind = (wanted: TrustPlan['kind']): TrustPlan[] => plans.filter((plan) => plan.kind === wanted);
  const [fresh, differing, known] = [kind('new'), kind('differs'), kind('known')];
  const title = machineWord(plans);
  const sections: string[] = [];
  if (fresh.length > 0) {
    const rows = fresh.flatMap(({ machine, keys }) => keys.map((key) => ({ machine, key, mark: '' })));
    sections.push(table(output, title, 'host key', rows));
  }
  if (differing.length > 0) {
    const rows = differing.flatMap(({ machine, knownKeys, keys }) => [
      ...knownKeys.map((key) => ({ machine, key, mark: { text: 'known', colour: 'yellow' } as const })),
      ...keys.map((key) => ({ machine, key, mark: { text: 'shown now', colour: 'red' } as const })),
    ]);
    sections.push(table(output, title, 'host key that differs', rows));
    if (!replacing) {
      const names = differing.map((plan) => plan.machine.name).join(' ');
      sections.push(`If that is meant to be: fleet-health trust --replace ${names}`);
    }
  }
  if (known.length > 0) sections.push(`Known already: ${known.map((plan) => plan.machine.name).join(', ')}`);
  const failed = plans.flatMap(({ machine, fault }) => (fault === null ? [] : [{ name: machine.name, fault }]));
  if (failed.length > 0) {
    sections.push(
      renderTable(
        output,
        [
          { title, cell: ({ name }) => name },
          { title: 'failed', cell: ({ fault }) => ({ text: fault.code, colour: 'red' }) },
          { title: '', shrinks: true, cell: ({ fault }) => fault.message },
        ],
        failed,
      ),
    );
    const advice = failed.flatMap(({ name, fault }) =>
      fault.advice === errorTable[fault.code].advice ? [] : [`${name}: ${fault.advice}`],
    );
    if (advice.length > 0) sections.push(advice.map(escapeControls).join('\n'));
  }
  return sections.join('\n\n');
}

/** Returns `machine` if some are bastions, else `client`. */
function machineWord(plans: readonly TrustPlan[]): string {
  return plans.some(({ machine }) => machine.kind === 'bastion') ? 'machine' : 'client';
}

interface KeyRow extends Pick<TrustPlan, 'machine'> {
  readonly key: HostKey;
  readonly mark: Cell;
}

function table(output: Output, who: string, title: string, rows: readonly KeyRow[]): string {
  return renderTable(
    output,
    [
      { title: who, shrinks: true, cell: ({ machine }) => machine.name },
      { title, cell: ({ key }) => fingerprint(key.key) },
      { title: 'type', cell: ({ key }) => keyTypeName(key.type) },
      { title: '', cell: ({ mark }) => mark },
    ],
    rows,
  );
}
