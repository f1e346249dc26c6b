/**
 * The protocol of collector and agent: the request inside the exec string, and the frames of the answer. Shared with
 * the agent, so nothing here imports anything of the project outside this folder.
 *
 * stdout of the agent: marker (16 bytes), then frames, each: type (1 byte, ASCII) | length (4 bytes, big endian) |
 * payload.
 *   `H` hello, JSON: Hello          first, before any probe runs
 *   `R` one sealed report           this run's first, then the spooled ones, oldest first
 *   `U` one report that is not sealed, JSON: Report without what the collector gives it (name, version, report_id,
 *       run_id, client); of the shell agent alone, and only one
 *   `F` fault, JSON: {code, message} instead of this run's report; spooled reports may still follow
 *   `E` end, JSON: End              nothing follows
 * The collector of a site that forwards sends two more, to a collector alone (src/collector/receive/forwarded.ts):
 *   `C` the clocks of the next `R`, JSON
 *   `V` visits or a run, JSON; acknowledged by the first 16 bytes of its SHA-256
 * stdin of the agent: 16 raw bytes for each acknowledged report id, nothing else; its end lets the agent end. Only an
 * uploaded agent finds its own program before them (src/loader/upload-agent.cjs). The shell agent reads none.
 */
import type { CheckFormat } from './checks.ts';

export const protocolVersion = 1;
export const markerBytes = 16;
export const reportIdBytes = 16;
/** The limit of what a login shell prints before the marker. */
export const maxGreetingBytes = 64 * 1024;
/** dropbear refuses exec strings near 9,000 bytes. */
export const maxExecBytes = 8 * 1024;
/** The exit status of a pinned agent for a request of another version. stderr has the reason, after the sign. */
export const otherVersionStatus = 87;
/** The sign on stderr before the digest of the pinned agent, whenever a restricted key refuses a request. */
export const restrictedKeySign = 'fleet-health restricted key';
/** The file in a client's folder that the crontab line of `fleet-health spool` starts. */
export const spoolScriptName = 'spool.sh';
/** Payload of any frame but `R` and `U`. */
export const maxJsonFrameBytes = 8 * 1024;

/** The limit of a frame of visits. */
export const maxForwardedBytes = 128 * 1024;
/** The limit of a frame of clocks. */
export const maxClocksBytes = 512;

/** The wishes of rules to the probes: a closed list. */
export interface ProbeOptions {
  /** systemd units that rules name, globs excluded. */
  readonly units?: readonly string[];
  /** Globs of process names that rules count. */
  readonly processes?: readonly string[];
  /** Mount points that rules expect, so that a network mount among them is asked for first. */
  readonly mounts?: readonly string[];
  /**
   * `PRIORITY EXPRESSION`: lines of logs to count, by number of the priority (0 to 7, and worse ones) and by extended
   * regular expression. Without an expression every line counts.
   */
  readonly logs?: readonly string[];
}

/** A check of config.xml. The agent of a restricted key neither reads nor runs it. */
export interface RequestedCheck {
  readonly name: string;
  /** The program, by its absolute path or by its name, and its arguments. No shell sees them. */
  readonly command: readonly string[];
  /** Default: each visit. */
  readonly everySeconds?: number;
  readonly timeoutSeconds?: number;
  /** Default: nagios. */
  readonly format?: CheckFormat;
}

/** The request to one agent run: JSON in base64url inside the exec string. Nothing in it is secret. */
export interface AgentRequest {
  readonly v: typeof protocolVersion;
  /**
   * `spool`: a visit's report, asked for by the client's own crontab (agent/spool/spool-script.ts) and sent to nobody.
   */
  readonly kind: 'visit' | 'inventory' | 'spool';
  readonly run: string;
  readonly client: string;
  /** The client's former name, whose spooled reports are sent too. */
  readonly was?: string;
  readonly collector: string;
  /** 16 random bytes, base64url. */
  readonly marker: string;
  /** X25519 public key, 32 bytes, base64url. */
  readonly key: string;
  readonly options: ProbeOptions;
  readonly checks?: readonly RequestedCheck[];
  /** The agent ends itself by then. */
  readonly deadlineMs: number;
  readonly maxFrames: number;
  readonly maxBytes: number;
}

export interface Hello {
  readonly v: number;
  readonly agent: string;
  /** Wall clock, milliseconds since 1970. */
  readonly wall_ms: number;
  /** Same clock as Report.monotonic_ms. */
  readonly monotonic_ms: number;
  readonly boot_id: string | null;
  /** SHA-256 of the agent that a restricted key runs, whichever was asked for, in hexadecimal digits; else left out. */
  readonly pinned?: string;
  /** Left out by the agent that node runs. */
  readonly reader?: 'shell';
}

export interface End {
  /** Reports still in the spool that did not fit into this visit. */
  readonly left: number;
  /** The folder of agent, counters and spool; null when nothing can be kept on this client. */
  readonly place: string | null;
  /** The reason why this run's report was not written to the spool; null when it was. */
  readonly spool_error: string | null;
  /**
   * Spooled reports that went since the last visit, because the spool was full or they were damaged; left out: none.
   */
  readonly dropped?: number;
  /** The place in the spool behind the reports of this stream: the next request names it. Left out: the beginning. */
  readonly next?: string;
}

/** The reason why there is no report of this run. */
export interface AgentFault {
  readonly code: AgentFaultCode;
  readonly message: string;
}

export const agentFaultCodes = ['agent-failed', 'agent-timeout', 'agent-stuck', 'report-too-large'] as const;
export type AgentFaultCode = (typeof agentFaultCodes)[number];

export type FrameType = 'H' | 'R' | 'U' | 'F' | 'E' | 'C' | 'V';
export interface Frame {
  readonly type: FrameType;
  readonly payload: Buffer;
}
