/** src/look/serve/endpoints: endpoints that receive pushes, events and pings, and answer the server's status. */
import type { IncomingMessage } from 'node:http';

import { parseReplyCommand } from '../../../notify/replies/reply-command.ts';
import type { ShownAnswer } from '../../../storage/store/operator-store.ts';
import { FleetError } from '../../../platform/errors/errors.ts';
import { oneLine } from '../../../text/plain-text.ts';
import { links } from '../../page/live/links.ts';
import { liveHtml } from '../../page/live/live-document.ts';
import { markup } from '../../page/markup.ts';
import type { Answer, Answerer, Asked } from '../answer.ts';
import { html, type PageFrame } from '../look-answer.ts';
import { maxFormBytes, readBody } from '../read-body.ts';
import { routeOf, type ServedRoute } from '../routes.ts';
import { tokenOf } from '../tokens.ts';
import { isFromOwnPage, type Visitor } from '../visitor.ts';
import type { LinkDatabase } from './reply-route.ts';

/** An answer to an alert that was stored. */
export interface StoredAnswer {
  readonly by: string;
  readonly line: string;
  readonly id: number;
}

export interface AcknowledgeOptions {
  readonly database: Pick<LinkDatabase, 'acknowledge' | 'takeBack'>;
  /** Returns the name of a viewer; null if nobody vouches for one. */
  readonly nameOf: (incoming: IncomingMessage) => string | null;
  readonly onAnswered: (answer: StoredAnswer) => void;
}

interface AlertRouteOptions extends AcknowledgeOptions {
  readonly look: PageFrame & { readonly onFault: (thrown: unknown) => void };
  readonly visitorOf: (incoming: IncomingMessage) => Visitor;
  /** The address of the pages in config.xml. */
  readonly url: string | null;
  /** Returns the page. */
  readonly page: Answerer;
}

/** Returns a function that names viewers: by the user of a trusted proxy, else by a token for the pages. */
export function viewerNamer(
  visitorOf: (incoming: IncomingMessage) => Visitor,
  nameOfToken: (token: string) => string | null,
): AcknowledgeOptions['nameOf'] {
  return (incoming) => {
    const { user, isPrivate } = visitorOf(incoming);
    const token = isPrivate ? tokenOf(incoming.headers.authorization) : null;
    return user ?? (token === null ? null : nameOfToken(token));
  };
}

const words = {
  foreign:
    'This form does not come from a page of this server. If it does: the proxy in front has to pass Host on, or ' +
    '<serve url="..."> to name the address of the pages.',
  nameless:
    'Nobody vouches for your name. A proxy that authenticates you does, ' +
    'or the token of `fleet-health tokens add NAME`, as the password.',
  noAnswer: 'This form has no answer.',
  notStored: 'The database did not store it; the log of the server says why. Try again in a minute.',
  mayNotWrite: 'This server may not write to the database; its log says what is missing.',
  unknown: 'There is no such alert.',
  ended: 'The alert has ended.',
  worse: 'The alert has become critical since you saw it, so it is not acknowledged. Look at it again.',
} as const;

/**
 * Returns the route of an alert's page, which GET and HEAD only show, and of the buttons on it, which acknowledge the
 * alert or take that back.
 */
export function alertRoute({
  look,
  database,
  visitorOf,
  nameOf,
  onAnswered,
  url,
  page,
}: AlertRouteOptions): ServedRoute {
  const store = async (id: number, by: string, form: URLSearchParams): Promise<Answer> => {
    const refuse = (status: number, text: string): Answer => refusal(id, status, text, look);
    const line = (form.get('line') ?? '').toLowerCase();
    if (line === 'unack') {
      if ((await database.takeBack(id)) > 0) onAnswered({ by, line, id });
      return seeOther(id, look);
    }
    const shown = shownAnswer(line, by, form);
    if (shown === null) return refuse(400, words.noAnswer);
    const outcome = await database.acknowledge(id, shown);
    if (outcome !== 'acknowledged') return refuse(outcome === 'unknown' ? 404 : 409, words[outcome]);
    onAnswered({ by, line, id });
    return seeOther(id, look);
  };
  const take = async ({ incoming, parts }: Asked): Promise<Answer> => {
    const id = Number(parts['id']);
    const { isProxied } = visitorOf(incoming);
    if (!isFromOwnPage(incoming.headers, { isProxied, url })) return refusal(id, 403, words.foreign, look);
    const by = nameOf(incoming);
    if (by === null) return refusal(id, 403, words.nameless, look);
    const body = await readBody(incoming, maxFormBytes);
    try {
      return await store(id, by, new URLSearchParams(body.toString('utf8')));
    } catch (thrown) {
      look.onFault(thrown);
      const mayNot = thrown instanceof FleetError && ['storage-denied', 'storage-read-only'].includes(thrown.code);
      return refusal(id, 503, mayNot ? words.mayNotWrite : words.notStored, look);
    }
  };
  return routeOf('alert', (asked) => (asked.incoming.method === 'POST' ? take(asked) : page(asked)));
}

/** Reads a form that acknowledges; null if it does not. */
function shownAnswer(line: string, by: string, form: URLSearchParams): ShownAnswer | null {
  const command = parseReplyCommand(line);
  const severity = form.get('severity');
  if (command?.kind !== 'ack' || (severity !== 'warning' && severity !== 'critical')) return null;
  const comment = oneLine(form.get('comment') ?? '');
  return { severity, by, forMs: command.forMs, comment: comment === '' ? null : comment };
}

/** Returns the answer after a form: a browser asks for the page, and reloading the page sends no form again. */
function seeOther(id: number, { prefix }: PageFrame): Answer {
  return { status: 303, headers: { Location: `${prefix}${links.alert(id)}`, 'Cache-Control': 'no-store' }, body: '' };
}

function refusal(id: number, status: number, text: string, frame: PageFrame): Answer {
  const body = markup`<p>${text}</p>
<p><a href="${links.alert(id)}">Alert ${id}</a></p>`;
  const document = { title: ['Not done'], path: '', body, zone: frame.zone() };
  return html(liveHtml(document, null, frame), status, status === 503 ? { 'Retry-After': '30' } : {});
}
