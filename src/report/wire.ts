/**
 * The protocol of collector and agent: the request inside the exec string, and the frames of the answer. Shared with
 * the agent, so nothing here imports code of the project outside this folder.
 *
 * stdout of the agent: marker (16 bytes), then frames, each: type (1 byte, ASCII) | length (4 bytes, big endian) |
 * payload.
 *   `H` hello, JSON: Hello          first, before any probe runs
 *   `R` one sealed report           this run's first, then the spooled ones, oldest first
 *   `U` one capture (agent/capture/parse-capture.ts), packed by gzip where the client has it: has no length, and ends
 *       before the next marker; from the shell agent alone, and only one
 *   `F` fault, JSON: {code, message} instead of this run's report; spooled reports may still follow
 *   `E` end, JSON: End              nothing follows
 * stdin of the agent: 16 raw bytes for each acknowledged report id, nothing else; the end of stdin lets the agent end.
 * An uploaded agent finds its own program before these bytes (src/transport/loader/upload-agent.cjs). The shell agent
 * reads notes instead, which it keeps for its next capture.
 */
import type { CheckFormat } from './checks.ts';

export const protocolVersion = 1;
export const markerBytes = 16;
export const reportIdBytes = 16;
/** The most bytes that a login shell may print before the marker. */
export const maxGreetingBytes = 64 * 1024;
/** dropbear refuses exec strings near 9,000 bytes. */
export const maxExecBytes = 8 * 1024;
/** The exit status of a pinned agent for a request of another version. stderr has the reason, after the sign. */
export const otherVersionStatus = 87;
/** The sign on stderr before the digest of the pinned agent, whenever a restricted key refuses a request. */
export const restrictedKeySign = 'fleet-health restricted key';
/** The file in a client's folder that the crontab line of `fleet-health spool` starts. */
export const spoolScriptName = 'spool.sh';
/** The most bytes of a capture on the wire. */
export const maxCaptureBytes = 4 * 1024 * 1024;
/** The most bytes of the payload of any frame but `R` and `U`. */
export const maxJsonFrameBytes = 8 * 1024;

/** The options of the probes that rules need: a closed list. */
export interface ProbeOptions {
  /** The systemd units that rules name, without globs. */
  readonly units?: readonly string[];
  /** The globs of process names that rules count. */
  readonly processes?: readonly string[];
  /** The mount points that rules expect, so that a network mount among them is checked first. */
  readonly mounts?: readonly string[];
  /**
   * The lines of logs to count, as `PRIORITY EXPRESSION`: the number of a priority (0 to 7, including worse ones) and
   * an extended regular expression. Without an expression every line counts.
   */
  readonly logs?: readonly string[];
  /** The digests of the sections of the state that the collector has, by kind: their lines are not sent. */
  readonly known?: Readonly<Record<string, string>>;
  /** True if no files are part of the state. */
  readonly noFiles?: boolean | undefined;
  /** True if the last lines of failed units and of containers with a fault are not read. */
  readonly noExcerpts?: boolean | undefined;
}

/** A check of config.xml. The agent of a restricted key neither reads nor runs it. */
export interface RequestedCheck {
  readonly name: string;
  /** The program, by its absolute path or by its name, and its arguments. No shell interprets them. */
  readonly command: readonly string[];
  /** The interval. Default: each visit. */
  readonly everySeconds?: number;
  readonly timeoutSeconds?: number;
  /** The format. Default: nagios. */
  readonly format?: CheckFormat;
}

/** The request to one agent run: JSON in base64url inside the exec string. It contains no secrets. */
export interface AgentRequest {
  readonly v: typeof protocolVersion;
  /**
   * The kind. `spool` is a visit's report that the client's own crontab requests (agent/spool/spool-script.ts); it is
   * sent to nobody.
   */
  readonly kind: 'visit' | 'inventory' | 'state' | 'spool';
  readonly run: string;
  readonly client: string;
  /** The client's former name, whose folder is moved, and whose spooled reports are sent too. */
  readonly was?: string;
  /** The name of the folder of the client's former name, for the shell agent, which may be unable to compute it. */
  readonly formerFolder?: string;
  readonly collector: string;
  /** The marker: 16 random bytes in base64url. */
  readonly marker: string;
  /** The public key: X25519, 32 bytes, base64url. */
  readonly key: string;
  readonly options: ProbeOptions;
  readonly checks?: readonly RequestedCheck[];
  /** True if the shell agent is to capture the state. Other agents have a kind for it. */
  readonly state?: boolean;
  /** True if the end of the stream has a stamp. */
  readonly stamp?: boolean;
  /** The time by which the agent ends itself. */
  readonly deadlineMs: number;
  readonly maxFrames: number;
  readonly maxBytes: number;
}

export interface Hello {
  readonly v: number;
  readonly agent: string;
  /** The wall clock, milliseconds since 1970. */
  readonly wall_ms: number;
  /** The clock of Report.monotonic_ms. */
  readonly monotonic_ms: number;
  readonly boot_id: string | null;
  /**
   * The SHA-256 of the agent that a restricted key runs, whatever the request, in hexadecimal digits. Otherwise
   * missing.
   */
  readonly pinned?: string;
  /** Missing if the agent runs on node. */
  readonly reader?: 'shell';
}

export interface End {
  /** The number of reports in the spool that did not fit into this visit. */
  readonly left: number;
  /** The folder of agent, counters and spool; null if nothing can be kept on this client. */
  readonly place: string | null;
  /** The reason why this run's report was not written to the spool; null if it was. */
  readonly spool_error: string | null;
  /**
   * The number of spooled reports lost since the last visit, because the spool was full or they were damaged. Default:
   * none.
   */
  readonly dropped?: number;
  /** The place in the spool behind the reports of this stream, which the next request names. Default: the beginning. */
  readonly next?: string;
  /**
   * A digest of the times of those files and folders that change with packages and settings. Another stamp than at the
   * newest state report means that something may have changed. Missing if it was not requested.
   */
  readonly stamp?: string;
}

/** The reason why there is no report of this run. */
export interface AgentFault {
  readonly code: AgentFaultCode;
  readonly message: string;
}

export const agentFaultCodes = ['agent-failed', 'agent-timeout', 'agent-stuck', 'report-too-large'] as const;
export type AgentFaultCode = (typeof agentFaultCodes)[number];

export type FrameType = 'H' | 'R' | 'U' | 'F' | 'E';
export interface Frame {
  readonly type: FrameType;
  readonly payload: Buffer;
}
