import { isIP } from 'node:net';

import { forwardingSites, pushIntervalMs } from '../../config/clients/arrival.ts';
import { ringOf } from '../../collector/receive/receiver.ts';
import type { Client, Config, Rule } from '../../config/config.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { minuteMs } from '../../platform/units.ts';
import { senderOfSite } from '../../report/seal/push.ts';
import { loadAgentOwner } from '../../state-folder/collector-id.ts';
import { statePaths, type StatePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import { formatDuration } from '../../text/durations.ts';
import { urlAddress } from '../../text/url-address.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { loadSettings } from '../command/settings.ts';
import { collectorUrl } from './collector-url.ts';
import { keyOf, printEnrolment, revokeKey, warnWithoutEndpoint } from './enrolment-keys.ts';
import type { enrollParameters } from './parameters.ts';
import { enrollableClient } from './pushing-client.ts';

/**
 * Runs `enroll`: prints agent.json of a client that pushes or is asked over HTTP. The client's key is made once: later
 * calls print the same key, except with --rotate.
 */
export async function enrollCommand(context: Context, options: EnrollOptions): Promise<ExitStatus> {
  const config = loadSettings(context);
  const paths = statePaths(config.stateDir);
  if (options.site) return await enrollSite(context, config, options);
  if (options.revoke) return await revokeKey(context, paths, options.client);
  const client = enrollableClient(config, options.client);
  const spoke = client.arrival.kind === 'asked' ? spokeOf(client, client.arrival.url ?? '', options) : null;
  const edge = options.edge ? edgeOf(client) : null;
  const to = spoke === null ? destinationOf(options) : null;
  if (options.https !== null) warnWithoutEndpoint(context.output, config);
  claimStateFolder(paths, ['keys', 'publicKeys']);
  const key = await keyOf(context, paths, client.name, options.rotate);
  const document = agentJson({ config, paths, client, to, spoke, edge, key });
  const whose = `the agent.json of ${client.name}`;
  printEnrolment(context.output, { client: client.name, whose, document, file: options.output });
  return 0;
}

function destinationOf({ https, ssh }: EnrollOptions): string {
  if (https !== null && ssh !== null) {
    throw usageError('--https and --ssh contradict each other', 'Give one of them.');
  }
  if (https === null && ssh === null) {
    throw usageError('it is not set where the client pushes to', 'Give either --https URL or --ssh USER@HOST.');
  }
  if (ssh !== null) {
    if (/^[\w.-]+@[\w.:[\]-]+$/.test(ssh) && !ssh.startsWith('-')) return `ssh://${ssh}`;
    throw usageError(`${JSON.stringify(ssh)} is no account of a machine`, 'Write it like fleet@collector.example.org.');
  }
  // Reports are sealed and requests authenticated, so HTTP is enough.
  return collectorUrl('--https', https ?? '').href;
}

const allAddresses = ['0.0.0.0', '::'] as const;

/**
 * Returns the address and port at which a client answers, from its URL: all addresses of both families for a host name.
 * Returns neither for HTTPS: a proxy for TLS asks from the same machine.
 */
function spokeOf({ name }: Client, url: string, { https, ssh, edge }: EnrollOptions): object {
  if (https !== null || ssh !== null) {
    throw usageError(`${name} is asked over HTTP and pushes nothing`, 'Leave out --https and --ssh.');
  }
  if (edge) throw usageError(`${name} is asked over HTTP and sends nothing by itself`, 'Leave out --edge.');
  const asked = new URL(url);
  if (asked.protocol === 'https:') return {};
  const { host, port } = urlAddress(asked);
  return { listen_address: isIP(host) === 0 ? allAddresses : host, ip_bind_port: port };
}

interface AgentJson {
  readonly config: Config;
  readonly paths: StatePaths;
  readonly client: Client;
  /** The URL that the client pushes to; null: the client is asked. */
  readonly to: string | null;
  /** The address and port at which the client answers; null: the client pushes. */
  readonly spoke: object | null;
  /** The rules that the client evaluates; null: the client sends every report. */
  readonly edge: object | null;
  readonly key: string;
}

function agentJson({ config, paths, client, to, spoke, edge, key }: AgentJson): object {
  const { name, was, probeOptions, checks } = client;
  const { sealing } = ringOf(config, paths, Date.now());
  return {
    client: name,
    ...(was === null ? {} : { was }),
    collector: loadAgentOwner(paths.collectorId, config.collector),
    publicKey: Buffer.from(sealing.publicKey).toString('base64url'),
    pushKey: key,
    ...(to === null ? {} : { push: { to, every: formatDuration(pushIntervalMs(client) ?? config.collector.everyMs) } }),
    ...(spoke === null ? {} : { spoke }),
    ...(edge === null ? {} : { edge }),
    options: probeOptions,
    ...(checks.length === 0 ? {} : { checks: checks.map(({ requested }) => requested) }),
  };
}

type EnrollOptions = OptionsOf<typeof enrollParameters>;

const nextSteps =
  'At the site: put it there (mode 0600, of the account of collect), write <ssh> for the clients, then ' +
  'fleet-health trust, fleet-health check --connect and fleet-health crontab --install.\n' +
  'Here: fleet-health serve takes the pushes; fleet-health crontab --systemd /etc/systemd/system writes its service.';

/** Runs `enroll --site`: prints the file with which the collector of a site forwards. */
async function enrollSite(context: Context, config: Config, options: EnrollOptions): Promise<ExitStatus> {
  const { client: site, output, rotate, revoke, https, ssh, edge } = options;
  const paths = statePaths(config.stateDir);
  if (revoke) return await revokeKey(context, paths, senderOfSite(site));
  if (https !== null || ssh !== null || edge) {
    throw usageError('--https, --ssh and --edge are for clients', 'The URL stands in <forward> of the site.');
  }
  const sites = [...forwardingSites(config.clients)];
  if (!sites.includes(site)) {
    const advice = `Write transport="forward" labels="site=${site}" into the <group> of its clients.`;
    throw usageError(
      `no client of config.xml has transport="forward" and the label site=${site}${didYouMean(site, sites)}`,
      advice,
    );
  }
  warnWithoutEndpoint(context.output, config);
  claimStateFolder(paths, ['keys', 'publicKeys']);
  const pushKey = await keyOf(context, paths, senderOfSite(site), rotate);
  const { sealing } = ringOf(config, paths, Date.now());
  const document = { site, publicKey: Buffer.from(sealing.publicKey).toString('base64url'), pushKey };
  printEnrolment(context.output, {
    client: site,
    whose: `what <forward key> of ${site} names`,
    document,
    file: output,
    next: nextSteps,
  });
  return 0;
}

/** The types of rules that a machine can evaluate by itself: from one report, without its history. */
const types: readonly string[] = ['cpu', 'memory', 'swap', 'load', 'disk', 'inodes'];
const withoutPercent: readonly string[] = ['load'];
const selectors = ['mount', 'fstype', 'source'] as const;

/**
 * Returns the object `edge` of agent.json: the client's rules of types that the client can evaluate by itself. The
 * heartbeat is the interval at which config.xml expects the client. Throws FleetError `usage` if there is no such rule.
 */
function edgeOf({ name, rules, arrival }: Client): object {
  const own = rules.filter(({ type }) => type !== null && types.includes(type));
  const heartbeatMs = pushIntervalMs({ arrival }) ?? minuteMs;
  if (own.length === 0) {
    const advice = `Write an <alert> of one of ${types.join(', ')} for it, or leave out --edge.`;
    throw usageError(`${name} has no rule that it could evaluate by itself`, advice);
  }
  return {
    every: formatDuration(Math.min(minuteMs, heartbeatMs)),
    heartbeat: formatDuration(Math.max(minuteMs, heartbeatMs)),
    send: true,
    rules: own.map(ruleJson),
  };
}

function ruleJson(rule: Rule): object {
  const { name, type, op, warning, critical, clear, freeBytes, forMs, forCount } = rule;
  const text = (value: number): string => `${value}${withoutPercent.includes(type ?? '') ? '' : '%'}`;
  const levels = { warning, critical, clear };
  return {
    ...{ name, type },
    ...pick(selectors.map((key) => [key, rule.selectors[key]])),
    op,
    ...pick(Object.entries(levels).map(([key, value]) => [key, value === null ? undefined : text(value)])),
    ...(freeBytes === null ? {} : { free: String(freeBytes) }),
    for: forMs === null ? `${forCount ?? 1}x` : formatDuration(forMs),
  };
}

function pick(entries: readonly (readonly [string, string | undefined])[]): Readonly<Record<string, string>> {
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
