import type { Database, DatabaseUse, FileSpace } from './database.ts';

/** The settings of a database, from `<storage>`. Each kind adds its own. */
export interface DatabaseConfig {
  /** The folder of its dialect, and of its migrations in `sql/`. */
  readonly kind: string;
  /** Absolute path of the file; null for a server. */
  readonly path: string | null;
  readonly migrate: boolean;
}

/** A secret that only `reveal` reads. Throws FleetError `secret-missing`. */
export interface Password {
  reveal(): string;
}

/** An attribute of `<storage>`, for the check of config.xml, config.xsd and docs/config.md. */
export type StorageAttribute =
  { readonly kind: 'path'; readonly help: string } | { readonly words: readonly string[]; readonly help: string };

/** The parts of a `<storage url>`. Each kind adds its own. */
export interface StorageUrl {
  readonly kind: string;
  /** A password in the URL; null if there is none. */
  readonly password: string | null;
}

/** The element `<storage>`. */
export interface StorageElement {
  readonly attributes: Readonly<Record<string, string | undefined>>;
  /** True if the programs may change the schema. */
  readonly migrate: boolean;
  /** The password of the URL or of the attributes. */
  readonly password: Password | null;
  /** Returns the absolute path of a path in the element. */
  localPath(path: string): string;
  /** Reports what is wrong with the element, and goes on. */
  fault(message: string): void;
}

export interface OpenOptions {
  readonly program: DatabaseUse;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A database that `<storage>` may name. Everything that the program asks about it without opening it is here, so the
 * file of a kind imports no driver: it loads its other files when they are needed.
 */
export interface DatabaseKind<Config extends DatabaseConfig = DatabaseConfig> {
  readonly name: Config['kind'];
  /** The name for people. */
  readonly title: string;
  /** True if the database is a file of this machine, which needs no login. */
  readonly isFile: boolean;
  /** The schemes of URLs that this kind parses or refuses by name. */
  readonly schemes: readonly string[];
  /** The beginning of its URLs, for messages. */
  readonly beginning: string;
  /** The form of its URLs, for the help of `<storage url>`. */
  readonly urlForm: string;
  /** The addition of the help to the form; null if there is none. */
  readonly urlHelp: string | null;
  /** The attributes of `<storage>` that its URLs take, without those of the password. */
  readonly attributes: Readonly<Record<string, StorageAttribute>>;
  /**
   * Parses a URL with one of the schemes. Returns what is wrong as a string, as the end of a sentence, without any part
   * of the value, which may hold a password.
   */
  parseUrl(url: string): StorageUrl | string;
  /** Reads the settings of an element whose URL has no fault. */
  read(url: string, element: StorageElement): Config;
  /** Returns the values of attributes that have a default, by name. */
  defaultsOf(config: Config): Readonly<Record<string, string>>;
  /** Returns the URL, without its password. */
  nameOf(config: Config): string;
  /** Returns false if the database is a file that does not exist yet. Throws StorageFault if that cannot be known. */
  exists(config: Config): Promise<boolean>;
  /** Throws StorageFault if this account may not create a file that does not exist yet. */
  checkPlace(config: Config): Promise<void>;
  /** Opens the database. Throws StorageFault. */
  open(config: Config, options: OpenOptions): Promise<Database>;
  /**
   * Writes the database as it is at one moment to a new file. Returns its size in bytes. Throws FleetError `usage` that
   * names the server's own program, if there is one for it; StorageFault; and errors of fs about the target.
   */
  backUp(config: Config, target: string, signal: AbortSignal): Promise<number>;
  /** The reason why a file cannot be made anew, and what does it instead; null if `vacuum` makes it anew. */
  readonly vacuumAdvice: string | null;
  /** Makes a file anew, which nobody has open in this process. Returns the number of bytes by which it shrank. */
  vacuum(config: Config, space: FileSpace): Promise<number>;
  /** The reason why it may refuse a row that another database has; null if there is none. */
  readonly cannotHold: string | null;
}
