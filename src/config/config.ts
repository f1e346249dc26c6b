/**
 * Turns config.xml into one frozen, validated Config. All faults are reported at once, with file and line. Secrets are
 * wrapped; only the command that needs one reads it. config.xsd follows from vocabulary.ts.
 *
 * Durations are milliseconds, sizes bytes, percents 0 to 100. null means: not written and no default.
 */
import type { StateParts } from '../report/state/state-due.ts';
import type { ProbeOptions, RequestedCheck } from '../report/wire.ts';
import type {
  AlertmanagerConfig,
  DigestConfig,
  HeartbeatConfig,
  NotifyConfig,
  CanaryConfig,
  Recipient,
  RepliesConfig,
  SmtpConfig,
  WebhookConfig,
  Window,
} from './channel-config.ts';
import type { Secret } from './secret.ts';
import type { Rule } from './rule.ts';
import type { StorageConfig } from './databases/kinds.ts';
import type { FamilyGroup } from './values/family-groups.ts';
import type { Labels } from './values/labels.ts';

export type * from './channel-config.ts';
export type { Operator, Rule, Severity } from './rule.ts';
export type { StorageConfig } from './databases/kinds.ts';
export type { FamilyGroup } from './values/family-groups.ts';

export interface Config {
  /** Absolute path of the file that was named. */
  readonly file: string;
  /** SHA-256 (hex) over the content of all files read, in order. */
  readonly digest: string;
  /** Absolute path of the state folder. */
  readonly stateDir: string;
  /** The labels of the fleet. A client inherits them and may replace each. */
  readonly labels: Labels;
  readonly storage: StorageConfig;
  readonly retention: RetentionConfig;
  readonly smtp: SmtpConfig | null;
  readonly replies: RepliesConfig | null;
  /** The address of the pages that answer mails; null: mails have no link that acknowledges. */
  readonly replyLinks: string | null;
  readonly canary: CanaryConfig | null;
  readonly notify: readonly NotifyConfig[];
  /** The webhooks of all `<webhook>` elements with a URL. */
  readonly webhooks: readonly WebhookConfig[];
  readonly alertmanager: AlertmanagerConfig | null;
  readonly digests: readonly DigestConfig[];
  readonly heartbeats: readonly HeartbeatConfig[];
  readonly metrics: MetricsConfig | null;
  readonly collector: CollectorConfig;
  /** null: config.xml has no `<serve>`. */
  readonly serve: ServeConfig | null;
  readonly alerts: AlertsConfig;
  readonly bastions: readonly Bastion[];
  /** The settings of `<ssh>` for machines on a route that are neither a bastion nor a client of config.xml. */
  readonly jumpHosts: SshSettings;
  /** The groups that need some of their members, in the file's order. */
  readonly needs: readonly GroupNeed[];
  /** The clients in the file's order, ranges expanded, with retired ones (see state); of duplicates only the first. */
  readonly clients: readonly Client[];
  readonly warnings: readonly Finding[];
  /** The settings that the files have, as `element attribute` (`collector every`). All others are defaults. */
  readonly explicit: readonly string[];
}

/** A fault or warning, with its place. */
export interface Finding {
  /** The path as the user named it; for an included file, relative to that path. */
  readonly file: string;
  readonly line: number | null;
  /** The fault and its correction, on one line. */
  readonly message: string;
}

export interface RetentionConfig {
  /** Rows of `stats` and the tables that depend on them. */
  readonly rawMs: number;
  /** Ended alerts, mails and silences. */
  readonly alertsMs: number;
  readonly visitsMs: number;
  /** Changes of the state of clients. */
  readonly changesMs: number;
  /** Whole reports. */
  readonly detailMs: number;
  /** Lines of logs. */
  readonly logsMs: number;
  readonly hourlyMs: number | null;
  readonly dailyMs: number | null;
}

/** Figures for Prometheus, which `collect` and `alert` write. */
export interface MetricsConfig {
  /** Absolute path of the file. */
  readonly textfile: string;
  readonly families: readonly FamilyGroup[];
}

export interface CollectorConfig {
  readonly everyMs: number;
  readonly concurrency: number;
  readonly tcpTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly agentTimeoutMs: number;
  readonly clientDeadlineMs: number;
  readonly runDeadlineMs: number;
  readonly perBastion: number;
  readonly perSubnet: number;
  readonly pipelining: boolean;
  /** The parts of the state that are read of clients whose group or element does not say otherwise. */
  readonly changes: StateParts;
  /** True if clients whose group or element does not say otherwise look at lost clients beside them. */
  readonly neighbours: boolean;
  /** The most bytes that may wait in encrypted_stats/. */
  readonly spoolBytes: number;
  /** The least time for which a stored report or record is kept, to be stored again if the database forgets it. */
  readonly keepStoredMs: number;
  /** True if `collect` opens reports; otherwise it stores them sealed, for `ingest`. */
  readonly open: boolean;
  /** The site whose clients this collector shares with others; `null`: the collector visits all clients by itself. */
  readonly sharedSite: string | null;
  /** The server that reports, visits and runs are forwarded to; `null`: they are stored in the database. */
  readonly forward: ForwardConfig | null;
}

/** `<forward>`: a site without a database. */
export interface ForwardConfig {
  /** The push endpoint of the other collector; null: another program carries the files there. */
  readonly url: string | null;
  /** Absolute path of the file with the output of `enroll --site`. */
  readonly keyFile: string;
}

/** The sockets of `fleet-health serve`, and the access to them. */
export interface ServeConfig {
  /** The addresses to listen on; empty: the Unix socket alone. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Absolute path of the Unix socket. */
  readonly socket: string | null;
  /** Absolute paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** The addresses and networks of trusted proxies, and `socket`. */
  readonly trustedProxies: readonly string[];
  /** The name of the header in lower case. */
  readonly userHeader: string | null;
  /** `always`: loopback and the Unix socket need a token too. */
  readonly auth: 'beyond-loopback' | 'always';
  readonly look: boolean;
  /** True if viewers with a name may acknowledge an alert on its page. */
  readonly acknowledge: boolean;
  /** The address of the pages for people, which ends with /; null: nothing links them. */
  readonly url: string | null;
  /** The path of `url` without its last slash: all pages are below it. Empty: they are at `/`. */
  readonly prefix: string;
  /** The name of the fleet on the pages. */
  readonly title: string;
  /** The families of /metrics; null: /metrics is off. */
  readonly metrics: readonly FamilyGroup[] | null;
  /** True if the address `::` does not accept IPv4. */
  readonly ipv6Only: boolean;
  /** Names at the top level of the configuration whose values `/status` hides. */
  readonly hiddenOpts: readonly string[];
  /** The settings of events; null: the server accepts no events. */
  readonly events: ServedEventsConfig | null;
  /** True if clients may push. */
  readonly push: boolean;
  /** A program whose exit status is part of /ping; null: none. */
  readonly ping: ServedCommand | null;
  /** A program whose JSON joins /status; null: none. */
  readonly status: ServedCommand | null;
}

/** A program that `serve` starts. */
export interface ServedCommand {
  readonly command: string;
  readonly timeoutMs: number;
}

/** The senders that may send events, and their rate. */
export interface ServedEventsConfig {
  /** True if the server accepts datagrams too. */
  readonly udp: boolean;
  /** Addresses and networks, and `socket`; null: every sender that reaches the server. */
  readonly from: readonly string[] | null;
  /** The most events of one address in a minute; null: 600, and no limit for this machine. */
  readonly maxPerMinute: number | null;
  /** A program that receives each event; null: none. */
  readonly handOver: ServedCommand | null;
}

export interface AlertsConfig {
  /** The time between two reminders of an open alert; null: no reminders. */
  readonly repeatMs: number | null;
  readonly groupIntervalMs: number;
  readonly flapping: boolean;
  /**
   * The greatest probability at which mails name what changed before an alert; null: they name nothing.
   */
  readonly causeChance: number | null;
  readonly defaults: boolean;
  /** True if mails show the last lines of failed units, containers and checks. */
  readonly excerpt: boolean;
  /** The IANA zone of times in mails and pages; null: the server's. */
  readonly zone: string | null;
  /** The recipients of alerts that concern the fleet as a whole. */
  readonly recipients: readonly Recipient[];
  readonly windows: readonly Window[];
  /** The conditions that concern no single client, such as collector-silent. */
  readonly rules: readonly Rule[];
}

/** The connection settings of a client, after inheritance. */
export interface SshSettings {
  readonly username: string | null;
  readonly password: Secret | null;
  /** Absolute path; `~` expanded. */
  readonly privateKey: string | null;
  readonly passphrase: Secret | null;
  /** null: none; `env`: $SSH_AUTH_SOCK; else the socket's absolute path. */
  readonly agent: string | null;
  readonly hostKeys: 'strict' | 'accept-new';
  /** Absolute path. */
  readonly knownHosts: string;
  /** Absolute path of an ssh_config file; null: `none`, or not written (see `explicit`). */
  readonly config: string | null;
  /** The key exchanges to offer, as OpenSSH's KexAlgorithms has them; null: the usual ones. See key-exchanges.ts. */
  readonly kex: string | null;
  /** The SSH client: the built-in one, the machine's own, or the one that the route needs. */
  readonly via: 'ssh2' | 'openssh' | 'auto';
  /** The machines on the route, nearest to the collector first, with commas between; see jumps.ts. */
  readonly proxyJump: string | null;
  /** Absolute path of node on the client. */
  readonly node: string | null;
  /** `allow` if the shell agent, which cannot seal, may read the client. */
  readonly unsealed: 'allow' | 'refuse';
  /**
   * The settings among these, and `port`, that config.xml has, with their places (`FILE:LINE`); '' is the element of
   * the machine. An ssh_config may replace all others, and `usernameOfSsh`, which is the `username` of `<ssh>`;
   * `username` is that of an inner element. Secrets are named `password` and `passphrase`.
   */
  readonly explicit: Readonly<Record<string, string>>;
}

/** A machine through which others are reached. `file` is the path as the user named it, or relative to that path. */
export type Bastion = Pick<Client, 'name' | 'address' | 'port' | 'ssh' | 'file' | 'line'>;

/** The arrival of a client's reports. */
export type Arrival =
  /** The collector visits the client over SSH. */
  | { readonly kind: 'ssh'; readonly via: SshSettings['via'] }
  /** The client is the collector's own machine. */
  | { readonly kind: 'local' }
  /** The collector asks the client over HTTP at this URL. `null` if config.xml has a fault. */
  | { readonly kind: 'asked'; readonly url: string | null }
  /** The client pushes its reports at this interval. */
  | { readonly kind: 'comes'; readonly everyMs: number }
  /** The collector of the site, the client's label `site`, visits the client and forwards its reports. */
  | { readonly kind: 'site'; readonly site: string };

export interface Client {
  readonly name: string;
  /** The value of `ip`. Without `ip` (`addressExplicit` is false) the name, for ssh_config or DNS to resolve. */
  readonly address: string;
  readonly addressExplicit: boolean;
  readonly port: number;
  readonly was: string | null;
  readonly state: 'active' | 'paused' | 'retired';
  /** The end of `state`, milliseconds since 1970; null: never. A state that has ended reads `active` and null. */
  readonly untilMs: number | null;
  readonly arrival: Arrival;
  readonly changes: StateParts;
  /** True if the client is asked about clients beside it that are lost, and they about it. */
  readonly neighbours: boolean;
  /** The names of the named groups around the client, outermost first. */
  readonly groups: readonly string[];
  /** The labels after inheritance. Shared between clients. */
  readonly labels: Labels;
  /** The names of the machines of which one must be reachable for the client to be; empty: none. Shared. */
  readonly on: readonly string[];
  readonly ssh: SshSettings;
  /**
   * The rules in force for the client, after inheritance: those of the innermost element first, in the file's order
   * within one element, defaults and conditions last. Shared between clients.
   */
  readonly rules: readonly Rule[];
  /** If empty, explicit rules reach only their own `mail`; other rules go to smtp.fallback unless `muted`. */
  readonly recipients: readonly Recipient[];
  /** True after `mail="none"` without later recipients: nobody is notified, not even smtp.fallback. */
  readonly muted: boolean;
  readonly windows: readonly Window[];
  /** The options of probes that the rules need. Shared between clients. */
  readonly probeOptions: ProbeOptions;
  /** The checks of `<check>`, of the outermost element first. Shared between clients. */
  readonly checks: readonly ClientCheck[];
  readonly file: string;
  readonly line: number | null;
}

/** A named group that needs some of its members: `<group need="6">`. */
export interface GroupNeed extends Pick<Client, 'labels' | 'recipients' | 'muted' | 'windows' | 'file' | 'line'> {
  readonly name: string;
  /** A number of members; a share of them in percent if `isShare`. */
  readonly need: number;
  readonly isShare: boolean;
  /** Patterns of the rules whose critical alerts say that a member does not serve. */
  readonly rules: readonly string[];
  /** The rule `group-short` of the group; null if it is not enabled, and no alert is eased. */
  readonly rule: Rule | null;
}

/** A `<check>` in force for a client. */
export interface ClientCheck {
  readonly requested: RequestedCheck;
  /** The path of the file whose element wrote the check, or changed it last. */
  readonly file: string;
  readonly line: number | null;
}
