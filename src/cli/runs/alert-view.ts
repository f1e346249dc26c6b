import type { AlertEvent, AlertResult } from '../../alerter/alert-options.ts';
import { type ReaderTime } from '../terminal/reader-time.ts';

/** What a person, a log or a program sees of one pass of the alerter. */
export interface AlertView {
  readonly observe: (event: AlertEvent) => void;
  readonly end: (result: AlertResult) => void;
}

/** What a view is to know beforehand. */
export interface AlertViewOptions {
  readonly dryRun: boolean;
  /** Without <smtp>: the folder that mails go to. */
  readonly outbox: string | null;
  readonly time: ReaderTime;
}
