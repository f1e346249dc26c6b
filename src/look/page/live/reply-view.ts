import { counted } from '../../../text/numbers.ts';
import type { TimeReader } from '../../../text/time-words.ts';
import { alertItem } from '../alert-list.ts';
import { type Markup, markup } from '../markup.ts';
import type { PageAlert } from '../page.ts';
import { links } from './links.ts';

interface ReplyView extends TimeReader {
  /** The address that the mail went to. */
  readonly recipient: string;
  /** The alerts of the mail, worst first. `isAnswerable`: it fires as the mail told it. */
  readonly alerts: readonly (PageAlert & { readonly isAnswerable: boolean })[];
}

/** The answers that the page offers, as a reply has them, with their words. */
const answers = [
  ['ack', 'until it ends or gets worse'],
  ['ack 4h', 'for 4 hours'],
  ['ack 1d', 'for a day'],
] as const;

/** Renders a sentence in place of the page. */
export function replyLead(text: string): Markup {
  return markup`<p>${text}</p>`;
}

/** Renders the page behind the link of a mail: what fires, and one button that acknowledges it. */
export function replyView({ recipient, alerts, ...reader }: ReplyView): Markup {
  // An alert with a command fires, and nobody has acknowledged it.
  const open = alerts.filter(({ isAnswerable, command }) => isAnswerable && command !== null).length;
  const isDone = alerts.some(({ isAnswerable }) => isAnswerable);
  const nothing = isDone ? 'Acknowledged.' : 'Nothing of this mail fires any more, or it is worse than the mail says.';
  return markup`<section aria-labelledby="answer"><h2 id="answer">${open === 0 ? nothing : `${counted(open, 'alert')} of this mail ${open === 1 ? 'fires' : 'fire'}`}</h2>
${
  open > 0 &&
  markup`<form class="answer" method="post"><label for="line">No reminders</label> <select id="line" name="line">${answers.map(
    ([line, words]) => markup`<option value="${line}">${words}</option>`,
  )}</select><button type="submit">Acknowledge</button></form>
<p class="quiet">This answers the mail to ${recipient}, as a reply to it does.</p>`
}
<ol class="alerts">${alerts.map((alert) => alertItem({ ...alert, command: null }, { ...reader, links }))}</ol></section>`;
}
