/** src/alerter/dispatch: who is notified of what, and when. */
import type { WebhookFormat } from '../../config/config.ts';
import type { Transition } from '../../storage/store/alert.ts';
import type { WaitingMail } from '../../storage/store/outbox-store.ts';
import type { Known } from '../inhibit/difference.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import type { Easing } from '../inhibit/easing.ts';
import type { Inhibition } from '../inhibit/inhibition.ts';
import type { LostParents } from '../inhibit/lost-parents.ts';
import type { DueMail, Held, PendingNotification } from './notification-plan.ts';
import type { RecipientAlert } from './recipient-alerts.ts';

/** Everything that the plan of one recipient depends on. */
export interface Planning {
  readonly input: DispatchInput;
  readonly recipient: string;
  /** The form of a webhook; null for other recipients. */
  readonly format: WebhookFormat | null;
  readonly inhibition: Inhibition;
  readonly parents: LostParents;
  /** null if config.xml has no group that needs some of its members. */
  readonly easing: Easing | null;
}

/** A notification that the recipient lacks. */
export interface Candidate {
  readonly of: RecipientAlert;
  readonly transition: Transition;
  /** The reason why the recipient lacks it: the alert changed, its acknowledgement began or ran out, or time passed. */
  readonly because: 'change' | 'acknowledgement' | 'lapse' | 'time';
  /** False for a reminder whose time has not come: it goes along in a mail with one whose time has. */
  readonly isDue: boolean;
}

/** The notifications of a mail, and the waiting mails that it replaces. */
export interface MailContents {
  /** Empty if all notifications are in waiting mails, or have to wait for them. */
  readonly items: readonly PendingNotification[];
  readonly replaces: readonly WaitingMail[];
  /** The mails that are not replaced, by each alert in them. */
  readonly kept: ReadonlyMap<number, WaitingMail>;
  /** The recipient's alerts, as the recipient knows them if the replaced mails are never sent. */
  readonly alerts: readonly RecipientAlert[];
  /** The recipient's knowledge of the alerts of the replaced mails before these mails. */
  readonly before: ReadonlyMap<number, Known>;
  /** True if a replaced mail must not be sent any more: see replaceWaiting. */
  readonly isStopped: boolean;
}

/** The plan for one recipient, as far as the steps before have brought it. */
export interface Draft {
  /** The recipient's alerts, with the recipient's knowledge of them. */
  readonly alerts: readonly RecipientAlert[];
  readonly candidates: readonly Candidate[];
  /** Notifications that may go out now, including those that are only listed. */
  readonly news: readonly PendingNotification[];
  /** Reminders of everything that is open, known and not held back; they go out if one of them is due. */
  readonly reminders: readonly PendingNotification[];
  readonly remindersDue: boolean;
  readonly held: readonly Held[];
  /** Alerts that ended without a notification and are not listed: too old, of a paused client, beside a worse alert. */
  readonly forgone: ReadonlySet<number>;
  /** The contents of the mail; null if no mail is due, and none that waits is withdrawn. */
  readonly contents: MailContents | null;
  readonly mail: DueMail | null;
}

/** A step of notifying: takes the draft of the steps before, and decides one thing. */
export type RunStep = (planning: Planning, draft: Draft) => Draft;

/** The draft from which the first step begins, without the recipient's alerts. */
export const emptyDraft: Omit<Draft, 'alerts'> = {
  candidates: [],
  news: [],
  reminders: [],
  remindersDue: false,
  held: [],
  forgone: new Set(),
  contents: null,
  mail: null,
};
