import type { About } from '../../config/rules/builtin-rules.ts';
import type { Severity } from '../../config/config.ts';

/** The state of an alert in a notification. `event`: the alert is over as soon as it is known (a reboot). */
export type NoticeState = 'firing' | 'event' | 'reminder' | 'resolved';

/** A notification before it has the form of a webhook. Only `text` contains line breaks. */
export interface Notice {
  /** The Message-ID in the form `<...@...>`. */
  readonly messageId: string;
  readonly subject: string;
  /** Lines of at most 72 columns that end with LF. */
  readonly text: string;
  readonly state: NoticeState;
  /** The worst severity; `none` if all alerts are over. */
  readonly severity: Severity | 'none';
  /** The worst severity by the newest values: what flaps and is good now counts as a warning. Default: `severity`. */
  readonly newest?: Severity | 'none';
  readonly atMs: number;
  /** The address of the page about the alert, or about all of several. Default: there is none. */
  readonly page?: string;
  /** The most important first. */
  readonly alerts: readonly NoticeAlert[];
}

/** Returns a notification of one alert that no rule has: of a test, or of an outage. */
export function noticeOfOne(
  head: Omit<Notice, 'severity' | 'alerts'>,
  alert: Omit<NoticeAlert, 'state' | 'title' | 'limit' | 'note' | 'acknowledgedBy'>,
): Notice {
  const { subject: title, state } = head;
  const whole = { ...alert, state, title, limit: '', note: null, acknowledgedBy: null };
  return { ...head, severity: state === 'resolved' ? 'none' : alert.severity, alerts: [whole] };
}

export interface NoticeAlert {
  /** The labels of the client; without a client, those of the fleet. */
  readonly labels: Readonly<Record<string, string>>;
  /** 32 hexadecimal digits, the same each time that the same rule and subject of a client fire. */
  readonly id: string;
  /** The address of the page about the alert. Default: there is none. */
  readonly page?: string;
  readonly about: About;
  /** Empty if the alert is about no client. */
  readonly client: string;
  readonly rule: string;
  /** Empty if the rule has none. */
  readonly subject: string;
  readonly severity: Severity;
  readonly state: NoticeState;
  /** True if the alert flaps. Default: false. */
  readonly comesAndGoes?: boolean;
  /** The line of the mail that unreachable clients share, the same object for all. Default: it has one of its own. */
  readonly line?: Pick<NoticeAlert, 'title' | 'value'>;
  /** The incident of several alerts of this notification that this one is a part of. Default: it is one of its own. */
  readonly incident?: { readonly id: string; readonly title: string };
  /** The ids of the incidents that end with the alert. Default: its own. */
  readonly ends?: readonly string[];
  /** The client and the subject: `web-1: disk /var`. */
  readonly title: string;
  /** The value in words: `96 % used, 4 of 100 GiB free`. */
  readonly value: string;
  /** The limit in words: `at least 90 %`; empty for a condition. */
  readonly limit: string;
  /** The sentence about changes before the alert. Default: none is named. */
  readonly changes?: string;
  /** The sentence about what clients beside an unreachable one saw of it. Default: none. */
  readonly beside?: string;
  /** The reason for the notification besides its state: `not acknowledged for 15 min`. Default: none. */
  readonly why?: string;
  /** The note of the rule; null if none. */
  readonly note: string | null;
  /** The person who has acknowledged the alert; null if nobody has. */
  readonly acknowledgedBy: string | null;
  readonly startsAtMs: number;
  /** The end of the alert; null while it fires. */
  readonly endsAtMs: number | null;
}
