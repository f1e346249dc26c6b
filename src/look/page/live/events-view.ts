import { describeAge } from '../../../text/durations.ts';
import { counted } from '../../../text/numbers.ts';
import { momentInWords, type TimeReader } from '../../../text/time-words.ts';
import { clientLink } from '../alert-list.ts';
import { dash } from '../figures.ts';
import { type Markup, markup } from '../markup.ts';
import { links } from './links.ts';

/** The newest event of a service of a host. */
export interface PageEvent {
  readonly host: string;
  /** The name of the host if it is a client; else null. */
  readonly client: string | null;
  readonly service: string;
  readonly instance: string;
  readonly status: 'OK' | 'WARN' | 'CRIT' | 'UNKNOWN';
  readonly description: string;
  readonly receivedAtMs: number;
  /** The time from which a missing newer event is a fault; null if no rule waits for the service. */
  readonly silentAtMs: number | null;
  readonly isSilent: boolean;
}

export interface EventsView extends TimeReader {
  readonly events: readonly PageEvent[];
}

/** The most rows of the page. */
const maxRows = 500;
/** The class of a row, by the status of its event. */
const classes = { CRIT: 'critical', WARN: 'warning', UNKNOWN: 'failing', OK: 'fine' } as const;

/** Renders the page of the newest events, the worst first, in the given order. */
export function eventsView({ events, ...reader }: EventsView): Markup {
  const title = markup`<h2 id="events">Newest events</h2>`;
  if (events.length === 0) {
    return markup`<section aria-labelledby="events">${title}
<p class="count">None has come yet. <code translate="no">fleet-health events url SERVICE</code> prints a line of curl that sends one.</p></section>`;
  }
  const bad = events.filter(({ isSilent, status }) => isSilent || status !== 'OK').length;
  const shown = events.slice(0, maxRows);
  const more = events.length - shown.length;
  return markup`<section aria-labelledby="events">${title}
<p class="count">${counted(events.length, 'service')} heard of, ${bad === 0 ? 'all of them OK' : `${bad} of them silent or not OK`}.${more > 0 && markup` ${more} more are not shown.`}</p>
<div class="scroll" tabindex="0" role="group" aria-labelledby="events"><table class="plain stacked events"><thead><tr><th scope="col">Status</th><th scope="col">Service</th><th scope="col">Host</th><th scope="col">Age</th><th scope="col">Silence</th><th scope="col">Description</th></tr></thead>
<tbody>${shown.map((event) => eventRow(event, reader))}</tbody></table></div></section>`;
}

function eventRow(event: PageEvent, reader: TimeReader): Markup {
  const { host, client, service, instance, status, description, receivedAtMs, silentAtMs, isSilent } = event;
  const silence =
    silentAtMs === null ? dash : markup`${isSilent ? 'since' : 'due'} ${momentInWords(reader, silentAtMs)}`;
  return markup`<tr class="${isSilent ? 'critical' : classes[status]}"><td><span class="mark">${isSilent ? 'silent' : status}</span></td><th scope="row"><span class="name">${service}${instance !== '' && `/${instance}`}</span></th><td>${host === '' ? dash : client === null ? host : clientLink(client, links)}</td><td class="when">${describeAge(reader.nowMs - receivedAtMs)}</td><td class="when">${silence}</td><td class="text"><span class="words">${isSilent && markup`after ${status}${description !== '' && markup`: `}`}${description === '' && !isSilent ? dash : description}</span></td></tr>
`;
}
