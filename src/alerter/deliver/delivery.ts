import type { Severity } from '../../config/config.ts';
import type { Notifier } from '../../notify/notify.ts';
import type { AlertStore } from '../../storage/store/alert-store.ts';
import type { Lease } from '../../storage/store/alert-store.ts';

/** What sending needs of the storage. */
export type DeliveryStore = Pick<
  AlertStore,
  | 'touchLease'
  | 'saveNotifications'
  | 'dueMails'
  | 'claimMail'
  | 'markDataBegun'
  | 'markSent'
  | 'markPutOff'
  | 'markFailed'
  | 'dropMail'
>;

/** The way to some recipients, and how long it may take. */
export interface Way {
  /** Tells ways from each other: when nothing goes one way, the others are still tried. */
  readonly name: string;
  readonly notifier: Notifier;
  /** See AttemptOptions and SendOptions. */
  readonly timeoutMs: number;
  readonly answerTimeoutMs: number;
}

/** The way to each recipient, opened with the first mail that takes it. */
export interface Ways {
  /** Throws FleetError `mail-refused` for a recipient that no way leads to. */
  wayTo(recipient: string): Way;
  /** Ends what was kept open. Never throws. */
  close(): void;
}

export interface SendingLimits {
  /** No mail is begun later than that. */
  readonly phaseMs: number;
  /** After an abort a mail that may have arrived already is waited for so long: it would go out twice. */
  readonly graceMs: number;
  /** Mails read at once. */
  readonly batch: number;
}

/** What happens to a mail. */
export type DeliveryEvent =
  | { readonly kind: 'sent'; readonly recipient: string; readonly messageId: string; readonly where: string }
  /** Tried, or not even tried because nothing goes that way for now: to be tried again. */
  | { readonly kind: 'put-off'; readonly recipient: string; readonly messageId: string; readonly error: string }
  /** Its recipient left config.xml. */
  | { readonly kind: 'dropped'; readonly recipient: string; readonly messageId: string }
  /** Refused for good. */
  | { readonly kind: 'refused'; readonly recipient: string; readonly messageId: string; readonly error: string };

/** Counts of mails. */
export interface Delivered {
  readonly sent: number;
  readonly putOff: number;
  /** Refused for good. */
  readonly failed: number;
}

/** Who is told that somebody's mail was refused. */
export interface Fallback {
  readonly to: string;
  /** An address, or `Name <address>`. */
  readonly from: string;
}

/** A mail that was refused for good. */
export interface RefusedMail {
  readonly recipient: string;
  readonly messageId: string;
  readonly content: string;
  readonly severity: Severity;
}

export interface DeliverOptions {
  readonly store: DeliveryStore;
  /** Asked only when something is due. Its holder's name is in the claims, so no other alerter may have the same. */
  readonly takeLease: () => Promise<Lease>;
  readonly ways: Ways;
  /** True if config.xml names the recipient. */
  readonly isNamed: (recipient: string) => boolean;
  /** null: nobody is told when a mail was refused for good. */
  readonly fallback: Fallback | null;
  readonly limits?: Partial<SendingLimits>;
  /** Ends the phase before the next mail; one under way is ended too unless it may have arrived already. */
  readonly signal: AbortSignal;
  readonly observe: (event: DeliveryEvent) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Why nothing goes some way for now, and how long its mails wait. */
export interface Away {
  readonly error: string;
  readonly pauseMs: number;
}

/** What one run of sending knows. */
export interface Sending extends DeliverOptions {
  readonly lease: Lease;
  readonly graceMs: number;
  /** By the way's name. */
  readonly away: Map<string, Away>;
}
