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
  /** The number of alerts that the button acknowledges, also of those that are not listed. */
  readonly answerable: number;
}

/** The answers that the page offers, as a reply has them, with their words. */
const answers = [
  ['ack', 'until it ends or gets worse'],
  ['ack 4h', 'for 4 hours'],
  ['ack 1d', 'for a day'],
] as const;

/** Renders the form that acknowledges. `more`: fields before its button. */
export function ackForm(more: Markup | null): Markup {
  return markup`<form class="answer" method="post"><label for="line">No reminders</label> <select id="line" name="line">${answers.map(
    ([line, words]) => markup`<option value="${line}">${words}</option>`,
  )}</select>${more}<button type="submit">Acknowledge</button></form>`;
}

/** Renders a sentence in place of the page. */
export function replyLead(text: string): Markup {
  return markup`<p>${text}</p>`;
}

/** Renders the page behind the link of a mail: what fires, and one button that acknowledges it. */
export function replyView({ recipient, alerts, answerable, ...reader }: ReplyView): Markup {
  // An alert with a command fires, and nobody has acknowledged it.
  const isOpen = alerts.some(({ isAnswerable, command }) => isAnswerable && command !== null);
  const more = answerable - alerts.filter(({ isAnswerable }) => isAnswerable).length;
  const nothing = 'Nothing of this mail fires any more, or it is worse than the mail says.';
  const done = answerable > 0 ? 'Acknowledged.' : nothing;
  return markup`<section aria-labelledby="answer"><h2 id="answer">${isOpen ? `${counted(answerable, 'alert')} of this mail ${answerable === 1 ? 'fires' : 'fire'}` : done}</h2>
${
  isOpen &&
  markup`${ackForm(null)}
<p class="quiet">This answers the mail to ${recipient}, as a reply to it does.</p>`
}
<ol class="alerts">${alerts.map((alert) => alertItem({ ...alert, command: null }, { ...reader, links }))}</ol>
${more > 0 && markup`<p>And ${counted(more, 'alert')} more of this mail that ${more === 1 ? 'fires' : 'fire'}.</p>`}</section>`;
}
