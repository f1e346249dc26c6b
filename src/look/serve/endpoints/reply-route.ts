import type { IncomingMessage } from 'node:http';

import type { Config } from '../../../config/config.ts';
import { parseReplyCommand } from '../../../notify/replies/reply-command.ts';
import { isReplyToken } from '../../../notify/replies/reply-token.ts';
import { KeptStorage } from '../../../storage/kept-storage.ts';
import { openStorage } from '../../../storage/open-storage.ts';
import type { Storage } from '../../../storage/store/storage.ts';
import type { LinkStore, OperatorStore } from '../../../storage/store/operator-store.ts';
import type { AppliedReply } from '../../../storage/store/reply-store.ts';
import { sortAlerts } from '../../data/alert-views.ts';
import { wordsAt } from '../../data/live-fleet.ts';
import { plainHtml } from '../../page/live/live-document.ts';
import { replyLead, replyView } from '../../page/live/reply-view.ts';
import type { Answer } from '../answer.ts';
import { html, inTime, type PageFrame, statusOf } from '../look-answer.ts';
import type { FleetReader } from '../fleet-reader.ts';
import { routeOf, type ServedRoute } from '../routes.ts';
import type { Visitor } from '../visitor.ts';
import { maxFormBytes, readBody } from '../read-body.ts';

/** The session that acknowledges alerts. It is opened when somebody presses the button. */
export class LinkDatabase {
  readonly #kept: KeptStorage;

  constructor(settings: () => Config) {
    this.#kept = new KeptStorage({
      config: () => settings().storage,
      open: (storage, signal) => openStorage({ storage, migrate: false, program: 'change', signal }),
    });
  }

  /** Answers a mail by its link. Throws FleetError of stage `storage`. */
  answer(...answer: Parameters<LinkStore['answerLink']>): Promise<AppliedReply> {
    return this.#kept.with(({ links }) => links.answerLink(...answer));
  }

  /** Acknowledges an alert on its page. Throws FleetError of stage `storage`. */
  acknowledge(...shown: Parameters<OperatorStore['acknowledgeShown']>): ReturnType<OperatorStore['acknowledgeShown']> {
    return this.#kept.with(({ operator }) => operator.acknowledgeShown(...shown));
  }

  /** Takes an acknowledgement back. Returns the number of those that ended. Throws FleetError of stage `storage`. */
  takeBack(id: number): Promise<number> {
    return this.#kept.with(({ operator }) => operator.unacknowledge([id]));
  }

  /** Ends work under way and closes the session. */
  close(): Promise<void> {
    return this.#kept.close();
  }
}

export interface ReplyRouteOptions {
  readonly look: Pick<PageFrame, 'zone' | 'prefix'> & {
    readonly reader: Pick<FleetReader, 'read'>;
    readonly onFault: (thrown: unknown) => void;
  };
  readonly database: Pick<LinkDatabase, 'answer'>;
  readonly visitorOf: (request: IncomingMessage) => Visitor;
  readonly onAcknowledged: (reply: AppliedReply) => void;
}

/**
 * Returns the route of links in mails: a page with a button, and the POST of the button. The token in the path is that
 * of replies to the mail. GET and HEAD change nothing, because scanners of mails follow links.
 */
export function replyRoute({ look, database, visitorOf, onAcknowledged }: ReplyRouteOptions): ServedRoute {
  const take = async (incoming: IncomingMessage, token: string): Promise<Answer | null> => {
    const form = new URLSearchParams((await readBody(incoming, maxFormBytes)).toString('utf8'));
    const line = form.get('line') ?? '';
    const command = parseReplyCommand(line);
    if (command?.kind !== 'ack') return sorry(400, 'This form has no answer.', look);
    const by = visitorOf(incoming).user;
    const reply = await database.answer(token, { line: line.toLowerCase(), forMs: command.forMs, by });
    if (reply.count > 0) onAcknowledged(reply);
    return null;
  };
  return routeOf('reply', async ({ incoming, parts: { token = '' } }) => {
    if (!visitorOf(incoming).isPrivate) return sorry(403, 'Nothing is answered without TLS beyond this machine.', look);
    if (!isReplyToken(token)) return { ...sorry(404, unknownWords, look), isGuess: true };
    try {
      const refused = incoming.method === 'POST' ? await take(incoming, token) : null;
      if (refused !== null) return refused;
      const page = await inTime(() =>
        look.reader.read((storage, config) => replyPage(storage, config, { token, ...look })),
      );
      if (typeof page !== 'string') return page;
      return page === 'expired'
        ? sorry(410, 'This mail is older than 14 days: it takes no answer any more.', look)
        : { ...sorry(404, unknownWords, look), isGuess: true };
    } catch (thrown) {
      if (statusOf(thrown) === 500) look.onFault(thrown);
      return sorry(503, 'The database does not answer. Try again in a minute.', look, { 'Retry-After': '30' });
    }
  });
}

const unknownWords = 'There is no mail with this link.';

function sorry(
  status: number,
  text: string,
  { zone, prefix }: Pick<PageFrame, 'zone' | 'prefix'>,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return html(plainHtml({ title: ['Acknowledge'], body: replyLead(text), zone: zone() }, prefix), status, headers);
}

async function replyPage(
  storage: Storage,
  config: Config,
  { token, prefix }: Pick<PageFrame, 'prefix'> & { readonly token: string },
): Promise<Answer | 'unknown' | 'expired'> {
  const mail = await storage.links.linkedMail(token);
  if (typeof mail === 'string') return mail;
  const { zone } = config.alerts;
  const nowMs = await storage.nowMs();
  const words = await wordsAt(config, storage, nowMs);
  const open = new Set(mail.open);
  const alerts = sortAlerts(mail.alerts, nowMs).map((alert) => ({
    ...words(alert),
    isAnswerable: open.has(alert.id ?? 0),
  }));
  const body = replyView({ zone, nowMs, recipient: mail.recipient, alerts, answerable: open.size });
  return html(plainHtml({ title: ['Acknowledge'], body, zone }, prefix), 200);
}
