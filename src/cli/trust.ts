import { readFileSync } from 'node:fs';

import type { Client, Config } from '../config/config.ts';
import { FleetError, messageOf } from '../errors.ts';
import { fingerprint, keyTypeName, type HostKey } from '../transport/fingerprint.ts';
import { hostName } from '../transport/known-hosts.ts';
import { scanHostKeys } from '../transport/scan-host-keys.ts';
import { createTransportShared } from '../transport/transport-shared.ts';
import { parseTrustSource } from '../transport/trust-source.ts';
import { addKnownHosts, replaceKnownHosts } from '../transport/write-known-hosts.ts';
import { concurrently } from './concurrently.ts';
import type { Context, ExitStatus } from './context.ts';
import { canAsk, confirm } from './question.ts';
import { chooseClients, loadSettings } from './settings.ts';
import { trustText } from './trust-table.ts';
import { planTrust, type TrustPlan, type TrustSurroundings } from './trust-plan.ts';

export interface TrustCommandOptions {
  /** Names; empty: all that are visited. */
  readonly clients: readonly string[];
  readonly group: string | null;
  readonly yes: boolean;
  readonly replace: boolean;
  /** A file that vouches for keys, so that nobody needs to be asked. */
  readonly from: string | null;
}

/** Clients that are asked for their keys at a time. */
const scanLimit = 32;

type Result = 'added' | 'replaced' | 'known' | 'local' | 'differs' | 'declined' | 'failed';

/** `trust`: fetches host keys, shows them, asks once, and remembers them as known_hosts lines. */
export async function trustCommand(context: Context, options: TrustCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const chosen = chooseClients(config, options);
  const plans = await makePlans(context, config, chosen, options.from);
  signal.throwIfAborted();
  const writable = plans.filter(({ kind }) => kind === 'new' || (kind === 'differs' && options.replace));
  if (!output.json) output.print(trustText(output, plans, options.replace));
  const agreed = writable.length === 0 || options.yes || options.from !== null || (await ask(context, writable));
  if (agreed) write(writable);
  const results = plans.map((plan) => ({ plan, result: resultOf(plan, options.replace, agreed) }));
  const exitStatus = results.every(({ result }) => ['added', 'replaced', 'known', 'local'].includes(result)) ? 0 : 1;
  if (output.json) {
    output.printJson({ command: 'trust', exit_status: exitStatus, clients: results.map(resultJson) });
  } else if (agreed && writable.length > 0) {
    output.print(`\n${countKeys(writable)} trusted.`);
  }
  return exitStatus;
}

async function makePlans(
  { output, signal }: Context,
  config: Config,
  clients: readonly Client[],
  from: string | null,
): Promise<readonly TrustPlan[]> {
  const shared = createTransportShared({ config });
  const surroundings: TrustSurroundings = {
    source: from === null ? null : { file: from, content: parseTrustSource(readTrusted(from), from) },
    knownHosts: (file) => shared.knownHosts(file),
    scan: (client) =>
      scanHostKeys({
        client: client.name,
        host: client.address,
        port: client.port,
        timeoutMs: config.collector.connectTimeoutMs,
        signal,
      }),
  };
  for (const note of surroundings.source?.content.notes ?? []) output.complain(note);
  const progress = output.json ? null : (await import('./progress.ts')).startProgress('asking', clients.length);
  const plans = await concurrently(clients, scanLimit, async (client) => {
    const plan = await planTrust(client, surroundings);
    progress?.step();
    return plan;
  });
  progress?.end();
  return plans;
}

function readTrusted(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new FleetError({ code: 'usage', stage: 'usage', message: messageOf(thrown), cause: thrown });
  }
}

async function ask(context: Context, plans: readonly TrustPlan[]): Promise<boolean> {
  if (!canAsk(context)) {
    throw new FleetError({
      code: 'usage',
      stage: 'usage',
      message: `${countKeys(plans)} to be trusted, and no terminal to ask on`,
      advice: 'Compare the fingerprints and use --yes, or --from FILE.',
    });
  }
  const replacing = plans.filter(({ kind }) => kind === 'differs').length;
  const question = replacing === 0 ? 'Trust' : `Trust, and replace those of ${replacing} of the clients by,`;
  const count = plans.reduce((sum, { keys }) => sum + keys.length, 0);
  return await confirm(`${question} ${count === 1 ? 'this key' : `these ${count} keys`}?`, context.signal);
}

function countKeys(plans: readonly TrustPlan[]): string {
  const count = plans.reduce((sum, { keys }) => sum + keys.length, 0);
  return `${count} ${count === 1 ? 'key' : 'keys'} of ${plans.length} ${plans.length === 1 ? 'client' : 'clients'}`;
}

function write(plans: readonly TrustPlan[]): void {
  const files = new Set(plans.map(({ client }) => client.ssh.knownHosts));
  for (const file of files) {
    const hosts = (kind: TrustPlan['kind']): { name: string; keys: readonly HostKey[] }[] =>
      plans
        .filter((plan) => plan.kind === kind && plan.client.ssh.knownHosts === file)
        .map(({ client, keys }) => ({ name: hostName(client.address, client.port), keys }));
    try {
      addKnownHosts(file, hosts('new'), Date.now());
      if (hosts('differs').length > 0) replaceKnownHosts(file, hosts('differs'), Date.now());
    } catch (thrown) {
      throw new FleetError({ code: 'state-unusable', stage: 'keys', message: messageOf(thrown), cause: thrown });
    }
  }
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
    client: plan.client.name,
    address: plan.client.address,
    port: plan.client.port,
    result,
    keys: show(plan.keys),
    known_keys: show(plan.knownKeys),
    code: plan.fault?.code ?? null,
    message: plan.fault?.message ?? null,
  };
}
