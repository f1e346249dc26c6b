import type { WaitingMail } from '../../storage/store/alert-store.ts';
import type { RecipientNews } from './recipient-news.ts';
import { isUrgent } from '../inhibit/difference.ts';
import type { Known } from '../inhibit/difference.ts';
import type { RecipientAlert, News } from './news.ts';

/** What a mail says, and which waiting ones it takes the place of. */
export interface Contents {
  /** Empty: everything is said in mails that wait, or has to wait for them. */
  readonly news: readonly News[];
  readonly replaces: readonly WaitingMail[];
  /** By alert: the waiting mail that is not replaced and speaks of it. */
  readonly kept: ReadonlyMap<number, WaitingMail>;
}

interface ReplaceOptions {
  /** Of the recipient. */
  readonly waiting: readonly WaitingMail[];
  /** Of the recipient: those that may have been delivered, and so stay. */
  readonly begun: readonly WaitingMail[];
  /** What there is to say to somebody who knows what `knownOf` says. */
  readonly look: (knownOf: (matter: RecipientAlert) => Known) => RecipientNews;
}

/**
 * What a mail says that goes out now: the news since the last mail, and those of the waiting mails whose place it takes,
 * told as news from what the recipient knew before them. A waiting mail is replaced only if all it speaks of is told, and
 * together with all waiting mails that speak of the same; a mail that would tell no more than what it replaces is none.
 * What one that is not replaced speaks of waits until that has gone, unless it is urgent: mails may overtake each other.
 */
export function contentsOf({ waiting, begun, look }: ReplaceOptions): Contents {
  let replaces = waiting;
  for (;;) {
    const before = knowledgeBefore(replaces);
    const kept = new Map(
      [...begun, ...waiting.filter((mail) => !replaces.includes(mail))].flatMap((mail) =>
        mail.items.map(({ alertId }) => [alertId, mail] as const),
      ),
    );
    const said = tellable(
      look(({ alert, told }) => (before.has(alert.id) ? (before.get(alert.id) ?? null) : told)),
      kept,
    );
    const stays = staying(replaces, said);
    if (stays.size > 0) {
      replaces = replaces.filter((mail) => !stays.has(mail));
      continue;
    }
    if (said.some((news) => !news.listedOnly && !isSaidIn(news, replaces))) return { news: said, replaces, kept };
    if (replaces.length === 0) return { news: [], replaces, kept };
    replaces = [];
  }
}

/** What may be said beside mails that are kept. */
function tellable({ news, reminders, remindersDue }: RecipientNews, kept: ReadonlyMap<number, WaitingMail>): readonly News[] {
  return [...news, ...(remindersDue ? reminders : [])].filter(
    ({ matter, known, transition }) => !kept.has(matter.alert.id) || isUrgent(matter.alert, known, transition),
  );
}

/** What the recipient knew before the first of these mails that speaks of it. */
function knowledgeBefore(mails: readonly WaitingMail[]): ReadonlyMap<number, Known> {
  const before = new Map<number, Known>();
  const inOrder = [...mails].sort((one, other) => one.createdAtMs - other.createdAtMs || one.id - other.id);
  for (const { items } of inOrder) {
    for (const item of items) {
      if (!before.has(item.alertId)) before.set(item.alertId, item.before);
    }
  }
  return before;
}

/** Mails that cannot be replaced, for not all they speak of is said or they share something with one of which it is not. */
function staying(mails: readonly WaitingMail[], said: readonly News[]): ReadonlySet<WaitingMail> {
  const told = new Set(said.map(({ matter }) => matter.alert.id));
  const stays = new Set(mails.filter(({ items }) => items.some(({ alertId }) => !told.has(alertId))));
  const shared = new Set([...stays].flatMap(({ items }) => items.map(({ alertId }) => alertId)));
  for (let size = -1; size !== stays.size;) {
    size = stays.size;
    for (const mail of mails) {
      if (!mail.items.some(({ alertId }) => shared.has(alertId))) continue;
      stays.add(mail);
      for (const { alertId } of mail.items) shared.add(alertId);
    }
  }
  return stays;
}

function isSaidIn({ matter, transition }: News, mails: readonly WaitingMail[]): boolean {
  const { id, sequence } = matter.alert;
  return mails.some(({ items }) =>
    items.some((item) => item.alertId === id && item.sequence === sequence && item.transition === transition),
  );
}
