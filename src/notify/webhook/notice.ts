import type { Severity } from '../../config/config.ts';

/** The states of alerts in a notification; `event`: it is over as soon as it is known (a reboot). */
export type NoticeState = 'firing' | 'event' | 'reminder' | 'resolved';

/** A notification before it has the form of a webhook. Its words hold no line breaks but those of `text`. */
export interface Notice {
  /** `<...@...>`. */
  readonly messageId: string;
  readonly subject: string;
  /** Lines of at most 72 columns that end with LF. */
  readonly text: string;
  readonly state: NoticeState;
  /** `none` if everything is over. */
  readonly severity: Severity | 'none';
  readonly atMs: number;
  /** The most important first. */
  readonly alerts: readonly NoticeAlert[];
}

export interface NoticeAlert {
  /** The labels of the client; those of the fleet without one. */
  readonly labels: Readonly<Record<string, string>>;
  /** 32 hexadecimal digits: the same for one rule and subject of a client, each time that it fires. */
  readonly id: string;
  /** Empty for the fleet. */
  readonly client: string;
  readonly rule: string;
  /** Empty if the rule has none. */
  readonly subject: string;
  readonly severity: Severity;
  readonly state: NoticeState;
  /** `web-1: disk /var`. */
  readonly title: string;
  /** `96 %, 4 of 100 GiB free`. */
  readonly value: string;
  /** `at least 90 %`; empty for a condition. */
  readonly limit: string;
  /** The note of the rule; null: none. */
  readonly note: string | null;
  /** The person who has acknowledged the alert; null: nobody. */
  readonly acknowledgedBy: string | null;
  readonly startsAtMs: number;
  /** null while it fires. */
  readonly endsAtMs: number | null;
}
