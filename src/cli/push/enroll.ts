import { isIP } from 'node:net';

import { pushIntervalMs } from '../../config/clients/arrival.ts';
import { ringOf } from '../../collector/receive/receiver.ts';
import type { Client, Config } from '../../config/config.ts';
import { usageError } from '../../errors.ts';
import { loadAgentOwner } from '../../state/collector-id.ts';
import { statePaths, type StatePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import { formatDuration } from '../../text/durations.ts';
import { urlAddress } from '../../text/url-address.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';
import { collectorUrl } from './collector-url.ts';
import { edgeOf } from './edge-rules.ts';
import { keyOf, printEnrolment, revokeKey, warnWithoutEndpoint } from './enrolment-keys.ts';
import { enrollSite, type EnrollSiteOptions } from './enroll-site.ts';
import { enrollableClient } from './pushing-client.ts';

export interface EnrollOptions extends EnrollSiteOptions {
  /** True if `client` is a site whose collector forwards. Default: false. */
  readonly site?: boolean;
}

/**
 * Runs `enroll`: prints agent.json of a client that pushes or is asked over HTTP. The client's key is made once: later
 * calls print the same key, except with --rotate.
 */
export async function enrollCommand(context: Context, options: EnrollOptions): Promise<ExitStatus> {
  const config = loadSettings(context);
  const paths = statePaths(config.stateDir);
  if (options.site === true) return await enrollSite(context, config, options);
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
