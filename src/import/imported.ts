/** A list of machines as text, and where it stands. */
export interface SourceText {
  /** The file's absolute path; null for standard input. */
  readonly file: string | null;
  readonly text: string;
}

/** A machine of somebody's list. What the list does not say is null. */
export interface ImportedHost {
  readonly name: string;
  /** Address or host name, if it is not the name. */
  readonly ip: string | null;
  readonly port: string | null;
  readonly username: string | null;
  /** A path. */
  readonly privateKey: string | null;
  readonly proxyJump: string | null;
  /** The URL at which the machine is asked over HTTP; null: it is reached by SSH. */
  readonly url: string | null;
  /** The groups that it stands in, the outermost first. */
  readonly groups: readonly string[];
  readonly checks: readonly ImportedCheck[];
  /** Sentences about what config.xml has no words for; they become comments. */
  readonly remarks: readonly string[];
  /** The place at which the list names the machine: `line 12`, `host web-1`. */
  readonly where: string;
}

/** A command that the agent is to run. */
export interface ImportedCheck {
  readonly name: string;
  readonly command: string;
}

/** Something of the list that was not taken. */
export interface Skipped {
  readonly where: string;
  readonly why: string;
}

export interface Imported {
  readonly hosts: readonly ImportedHost[];
  readonly skipped: readonly Skipped[];
}

/** A host of which only the name is known. */
export function hostNamed(name: string, where: string): ImportedHost {
  return {
    ...{ name, where, ip: null, port: null, username: null, privateKey: null, proxyJump: null, url: null },
    ...{ groups: [], checks: [], remarks: [] },
  };
}
