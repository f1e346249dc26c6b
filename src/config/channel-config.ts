/** Who is notified, and the settings of the channels that carry notifications. */
import type { ClientSelector } from './values/client-selector.ts';
import type { Severity } from './rule.ts';
import type { Secret } from './secret.ts';

export interface SmtpConfig {
  readonly host: string;
  readonly port: number;
  readonly security: 'none' | 'starttls' | 'tls';
  readonly username: string | null;
  readonly password: Secret | null;
  readonly from: string;
  /** The name by which the server is greeted; null: see src/notify/smtp-greeting.ts. */
  readonly helo: string | null;
  readonly ca: string | null;
  readonly verify: boolean;
  /** The URL of a proxy, `environment` or `none`. */
  readonly proxy: string;
  readonly fallback: string | null;
  readonly maxMailsPerHour: number;
}

/** The mailbox that receives replies to mails. */
export interface RepliesConfig {
  readonly host: string;
  readonly port: number;
  readonly security: SmtpConfig['security'];
  readonly username: string;
  readonly password: Secret;
  readonly mailbox: string;
  /** The mail address of the mailbox. Replies are addressed to it with `+TOKEN` before the @. */
  readonly address: string;
  /** Absolute path of a PEM file; null: the authorities that Node.js knows. */
  readonly ca: string | null;
}

/** A mail that is sent at certain times, and has to come back to the mailbox of `<replies>`. */
export interface CanaryConfig {
  readonly to: string;
  /** A whole number of days, or a part of a day. */
  readonly everyMs: number;
  /** Minutes since midnight, in the zone of <alerts>. */
  readonly atMinute: number;
}

/** Who is told of which alerts, and when: an entry of config.xml. */
export interface Recipient {
  /** A mail address, a command, or a webhook; see values/recipient-kinds.ts. */
  readonly to: string;
  /** The least severity that is notified; null: all. */
  readonly severity: Severity | null;
  /** Globs of rule names; empty: all. */
  readonly rules: readonly string[];
  /** The hours in which the recipient is notified; null: always. */
  readonly hours: Window | null;
  /** The time for which a critical alert fires without an acknowledgement before it is notified; null: all at once. */
  readonly afterMs: number | null;
}

export interface Window {
  /** Words of parseDays; empty: every day, or `date`. */
  readonly days: readonly string[];
  /** The date as YYYY-MM-DD. */
  readonly date: string | null;
  /** Minutes since midnight, in the zone. */
  readonly startMinute: number;
  readonly durationMs: number;
  /** The end of hours of recipients, in minutes since the first midnight. Default: it ends after `durationMs`. */
  readonly endMinute?: number;
  readonly zone: string | null;
  readonly rules: readonly string[];
  /** The only severity that is muted; null: both. */
  readonly severity: 'warning' | null;
}

export interface NotifyConfig extends Recipient {
  readonly command: string;
  readonly timeoutMs: number;
  /** True for the clients whose alerts the program gets; null: all, and the fleet as a whole. */
  readonly selects: ClientSelector | null;
}

/** The forms of a webhook's body. */
export const webhookFormats = [
  ...(['alertmanager', 'apprise', 'slack', 'discord', 'teams', 'telegram', 'matrix', 'ntfy', 'gotify'] as const),
  ...(['pushover', 'pagerduty', 'juggler', 'text'] as const),
] as const;

export type WebhookFormat = (typeof webhookFormats)[number];

/** A URL that notifications are posted to. */
export interface WebhookConfig {
  readonly name: string;
  /** The URL is secret: whoever knows it can post. */
  readonly url: Secret;
  readonly format: WebhookFormat;
  /** A line `Name: value` that is sent with each request; null: none. */
  readonly header: Secret | null;
  /** Absolute path of a PEM file; null: the authorities that Node.js knows. */
  readonly ca: string | null;
  readonly proxy: string | null;
  readonly timeoutMs: number;
}

/** Alertmanagers that get the whole state at every pass. */
export interface AlertmanagerConfig {
  /** URLs without the path of the API. They may have a login. */
  readonly urls: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly ca: string | null;
  readonly proxy: string | null;
  readonly timeoutMs: number;
}

/** A URL that is requested after each good pass of the alerter. */
export interface HeartbeatConfig {
  readonly url: string;
  /** The URL of a proxy, `environment` or `none`; null: that of the environment. */
  readonly proxy: string | null;
}

/** A mail with a summary, sent at some local times. */
export interface DigestConfig {
  /** The unique name of the digest. */
  readonly name: string;
  readonly to: readonly string[];
  /** Words of parseDays; empty: every day. */
  readonly days: readonly string[];
  /** Minutes since midnight, in the zone of <alerts>. */
  readonly atMinute: number;
  /** Patterns of names of groups; empty: the whole fleet. */
  readonly groups: readonly string[];
  readonly attachesReport: boolean;
}
