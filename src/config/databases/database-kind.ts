/** src/config/databases: what `<storage>` may name, and the settings of each. */

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

/** A database that `<storage>` may name, without the code that opens it: see `DatabaseDriver`. */
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
}
