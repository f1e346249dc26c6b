import { isAsked } from '../../config/clients/arrival.ts';
import type { Client, Config, SmtpConfig } from '../../config/config.ts';
import { asFleetError, type FleetError } from '../../platform/errors/errors.ts';
import { verifyMailServer } from '../../notify/email.ts';
import { smtpGreeting, type SmtpGreeting } from '../../notify/smtp-greeting.ts';
import { hostOf, verifyAlertmanager } from '../../notify/webhook/post-alerts.ts';
import { verifyWebhook } from '../../notify/webhook/webhook.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { tryStateFolder } from '../../state-folder/state-folder.ts';
import { tryStorage } from '../../storage/try-storage.ts';
import { transportFor } from '../../transport/transport-for.ts';
import { serverName } from '../../transport/openssh/openssh-only.ts';
import { createTransportShared, type TransportShared } from '../../transport/transport-shared.ts';
import { concurrently } from '../command/concurrently.ts';
import { tryCommand } from './named-files.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';
import { namedRecipients } from '../../config/recipients/fleet-recipients.ts';

/** The result of one trial. */
export interface Trial {
  /**
   * `state folder`, `database`, `link to hq`, `mail server`, `notify COMMAND`, `webhook NAME`, `alertmanager HOST`,
   * `replies at HOST:PORT`, or the client's name.
   */
  readonly what: string;
  readonly kind: 'state' | 'database' | 'mail' | 'client';
  readonly fault: FleetError | null;
  /** Sentences about what works and yet may be a surprise. Default: none. */
  readonly notes?: readonly string[];
  /** True for a client that transport="auto" visits by ssh, because its server has no algorithm of ssh2. */
  readonly isByOpenssh?: boolean;
  /** The name by which the mail server is greeted; only in trials of it. */
  readonly greeting?: SmtpGreeting;
}

const mailTimeoutMs = 20_000;
const clientLimit = 64;

/**
 * Tries the state folder, the database or the link to hq, and every client's login. Tries the mail server, commands,
 * webhooks (without a post), Alertmanagers and the mailbox of replies, if configured. Never throws for a failed trial.
 */
export async function tryConnections(
  config: Config,
  signal: AbortSignal,
  observe: () => void,
): Promise<readonly Trial[]> {
  const state = await attempt('state folder', 'state', () => {
    tryStateFolder(statePaths(config.stateDir), ['encryptedStats', 'outbox']);
    return Promise.resolve();
  });
  const { forward } = config.collector;
  const database = forward === null ? await tryDatabase(config, signal) : await tryLink(config, signal);
  const { smtp } = config;
  const addresses = [...namedRecipients(config)].filter((recipient) => nameIfKind('mail', recipient) !== null);
  const tryMail = (server: SmtpConfig): Promise<void> =>
    verifyMailServer(server, { timeoutMs: mailTimeoutMs, signal }, addresses);
  const mail =
    smtp === null
      ? []
      : [{ ...(await attempt('mail server', 'mail', () => tryMail(smtp))), greeting: smtpGreeting(smtp) }];
  const commands = await Promise.all(
    config.notify.map(({ command }) =>
      attempt(`notify ${command}`, 'mail', () => Promise.resolve().then(() => tryCommand(command))),
    ),
  );
  const webhooks = await Promise.all(
    config.webhooks.map((webhook) => attempt(`webhook ${webhook.name}`, 'mail', () => verifyWebhook(webhook, signal))),
  );
  const { alertmanager, replies } = config;
  const alertmanagers = await Promise.all(
    (alertmanager?.urls ?? []).map((url) =>
      attempt(`alertmanager ${hostOf(url)}`, 'mail', async () => {
        if (alertmanager !== null) await verifyAlertmanager(alertmanager, url, signal);
      }),
    ),
  );
  const mailboxes =
    replies === null
      ? []
      : [
          await attempt(`replies at ${replies.host}:${replies.port}`, 'mail', async () => {
            const { verifyReplies } = await import('../../notify/replies/imap-client.ts');
            await verifyReplies(replies, { timeoutMs: mailTimeoutMs, signal });
          }),
        ];
  const shared = createTransportShared({ config });
  const visited = config.clients.filter((client) => client.state !== 'retired' && isAsked(client));
  const visit = async (client: Client): Promise<Trial> => {
    const trial = await attempt(client.name, 'client', () => logIn(client, config, shared, signal));
    observe();
    return { ...trial, isByOpenssh: shared.opensshOnly.has(serverName(client)) };
  };
  try {
    const clients = await concurrently(visited, clientLimit, visit);
    return [state, database, ...mail, ...commands, ...webhooks, ...alertmanagers, ...mailboxes, ...clients];
  } finally {
    await shared.close();
  }
}

async function tryDatabase({ storage, collector }: Config, signal: AbortSignal): Promise<Trial> {
  let notes: readonly string[] = [];
  const trial = await attempt('database', 'database', async () => {
    notes = await tryStorage({ storage, open: collector.open, signal });
  });
  return { ...trial, notes };
}

/** Tries the link of a site to the collector with the database. */
export async function tryLink({ collector: { forward } }: Config, signal: AbortSignal): Promise<Trial> {
  return await attempt('link to hq', 'database', async () => {
    const { tryForward } = await import('../../collector/forward/try-forward.ts');
    if (forward !== null) await tryForward(forward, signal);
  });
}

async function logIn(client: Client, config: Config, shared: TransportShared, signal: AbortSignal): Promise<void> {
  const { tcpTimeoutMs, connectTimeoutMs } = config.collector;
  const connection = await transportFor(client, shared).connect({ tcpTimeoutMs, connectTimeoutMs, signal });
  connection.destroy();
}

async function attempt(what: string, kind: Trial['kind'], work: () => Promise<void>): Promise<Trial> {
  try {
    await work();
    return { what, kind, fault: null };
  } catch (thrown) {
    return { what, kind, fault: asFleetError(thrown, { code: 'internal', stage: 'connect' }) };
  }
}
