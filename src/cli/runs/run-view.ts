import type { AlertEvent, AlertResult } from '../../alerter/alert-options.ts';
import type { CollectEvent, CollectResult } from '../../collector/collect-options.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';

/** Shows a run to a person, a log or a program. */
export interface RunView<Event, Result> {
  observe(event: Event): void;
  end(result: Result): void;
}

export type CollectView = RunView<CollectEvent, CollectResult>;
export type AlertView = RunView<AlertEvent, AlertResult>;

export interface AlertViewOptions {
  readonly dryRun: boolean;
  /** The folder that mails go to without <smtp>. */
  readonly outbox: string | null;
  readonly time: ReaderTime;
}
