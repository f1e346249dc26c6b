/** A list of machines as text, and its file. */
export interface SourceText {
  /** The file's absolute path; null for standard input and a URL. */
  readonly file: string | null;
  /** The host of a URL. */
  readonly host?: string;
  readonly text: string;
  /** Warnings of the program that made the text. */
  readonly warnings?: readonly Skipped[];
  /** Variables that hold for machines without their own. */
  readonly defaults?: Readonly<Record<string, unknown>>;
}

/** A machine of a list. Values that the list lacks are null. */
export interface ImportedHost {
  readonly name: string;
  /** Address or host name, if it differs from the name. */
  readonly ip: string | null;
  readonly port: string | null;
  readonly username: string | null;
  /** The path of the key. */
  readonly privateKey: string | null;
  readonly proxyJump: string | null;
  /** The machine that `proxyJump` names, if the list has its login; it becomes a `<bastion>`. */
  readonly bastion: ImportedBastion | null;
  /** The machines that it stands on, as config.xml writes them. */
  readonly on: string | null;
  /** The URL at which the machine is asked over HTTP; null if it is reached by SSH. */
  readonly url: string | null;
  /** Labels as config.xml writes them: `site=ber role=web`. */
  readonly labels: string | null;
  /** The groups of the machine, the outermost first. */
  readonly groups: readonly string[];
  readonly checks: readonly ImportedCheck[];
  /** Sentences about settings that config.xml cannot express; they become comments. */
  readonly remarks: readonly string[];
  /** The place at which the list names the machine: `line 12`, `host web-1`. */
  readonly where: string;
}

/** A machine on the route to others. Values that the list lacks are null. */
export type ImportedBastion = Pick<ImportedHost, 'name' | 'port' | 'username' | 'privateKey' | 'proxyJump'> & {
  readonly ip: string;
};

/** A command that the agent is to run. */
export interface ImportedCheck {
  readonly name: string;
  readonly command: string;
}

/** A part of the list that was not imported. */
export interface Skipped {
  readonly where: string;
  readonly why: string;
}

export interface Imported {
  readonly hosts: readonly ImportedHost[];
  readonly skipped: readonly Skipped[];
}

/** Reads a list of one kind. Throws FleetError `import-unreadable` if the text is no such list. */
export type Reader = (source: SourceText) => Imported;

/** Returns a host of which only the name is known. */
export function hostNamed(name: string, where: string): ImportedHost {
  return {
    ...{ name, where, ip: null, port: null, username: null, privateKey: null, proxyJump: null, url: null },
    ...{ on: null, labels: null },
    ...{ bastion: null, groups: [], checks: [], remarks: [] },
  };
}
