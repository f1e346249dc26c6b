import type { Channel } from '../../notify/notify.ts';
import type { Channels } from '../../notify/channels.ts';
import type { Lease } from '../../storage/store/lease-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import type { AlertResult, DeliveryEvent } from '../alert-options.ts';
import type { SentMails } from './sent-mails.ts';

/** Counts of mails. */
export type Delivered = Pick<AlertResult, 'sent' | 'putOff' | 'refused'>;

export interface DeliverOptions {
  readonly storage: Pick<Storage, 'leases' | 'notifications' | 'outbox'>;
  /** Called only if a mail is due. The holder's name is in the claims, so no other alerter may have the same name. */
  readonly takeLease: () => Promise<Lease>;
  readonly channels: Channels;
  /** The mails that this machine has sent. */
  readonly sent: Pick<SentMails, 'find' | 'note'>;
  /** True if config.xml names the recipient. */
  readonly isNamed: (recipient: string) => boolean;
  /** The recipient and sender of a notice that a mail was refused; null if nobody is notified. */
  readonly fallback: { readonly to: string; readonly from: string } | null;
  readonly limits?: Partial<DeliveryLimits>;
  /** Ends the phase before the next mail. Ends a mail under way too, unless the mail may have arrived already. */
  readonly signal: AbortSignal;
  readonly observe: (event: DeliveryEvent) => void;
  /** Reports the fault of one mail. Throws an error that ends the pass. Default: throws each. */
  readonly heed?: (what: string, thrown: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface DeliveryLimits {
  /** No mail is begun after this time. */
  readonly phaseMs: number;
  /** The wait after an abort for a mail that may have arrived already: a retry would send the mail twice. */
  readonly graceMs: number;
  /** Mails read at once. */
  readonly batch: number;
}

/** The state of a delivery run. */
export interface Delivery extends DeliverOptions {
  readonly lease: Lease;
  readonly graceMs: number;
  /** Channels that accept nothing at present, with the error and the pause of their mails. */
  readonly away: Map<Channel, { readonly error: string; readonly pauseMs: number }>;
}
