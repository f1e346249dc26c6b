import type { DatabaseConfig } from '../../config/databases/database-kind.ts';
import type { Database, DatabaseUse, FileSpace } from './database.ts';

export interface OpenOptions {
  readonly program: DatabaseUse;
  readonly signal?: AbortSignal | undefined;
}

/** The code of a database that `<storage>` may name. It imports no driver: it loads its other files when needed. */
export interface DatabaseDriver<Config extends DatabaseConfig = DatabaseConfig> {
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
