/** The platform of a client without a node of its own, from which a runtime is chosen. */
export interface Platform {
  /** The output of `uname -s`. */
  readonly system: string;
  /** The output of `uname -m`. */
  readonly machine: string;
  /** The absolute paths of the dynamic loaders that exist. */
  readonly interpreters: readonly string[];
  /** True on Alpine Linux, whose loader of glibc is only an imitation. */
  readonly alpine: boolean;
}

const maxSignChars = 512;

/** Returns the sign in the greeting before the agent's first frame, or null if there is none. */
export function findPlatform(greeting: Buffer, marker: string): Platform | null {
  const start = `fh-${marker}-platform-`;
  const at = greeting.indexOf(start);
  if (at === -1) return null;
  const [line = ''] = greeting.toString('latin1', at + start.length, at + start.length + maxSignChars).split('\n');
  const words = line.split(' ').filter((word) => /^[\w./+-]{1,100}$/.test(word));
  const files = words.filter((word) => word.startsWith('/'));
  const [system = 'unknown', machine = 'unknown'] = words.filter((word) => !word.startsWith('/'));
  const alpine = '/etc/alpine-release';
  return {
    system,
    machine,
    interpreters: files.filter((file) => file !== alpine),
    alpine: files.includes(alpine),
  };
}
