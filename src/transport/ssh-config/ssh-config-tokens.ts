/** The values that a file name or host name of ssh_config may take up: ssh_config(5), TOKENS. */
export type SshTokens = Readonly<Record<string, string>>;

/** A text with its tokens replaced; null with a sentence that says which of them cannot be. */
export interface Expanded {
  readonly text: string | null;
  readonly fault: string | null;
}

/**
 * Replaces `%x` by the tokens given, `%%` by `%` and, where there is an environment, `${NAME}` by its value: in one pass,
 * so that nothing that was put in is replaced again.
 */
export function expandTokens(text: string, tokens: SshTokens, environment: NodeJS.ProcessEnv | null = null): Expanded {
  const faults: string[] = [];
  const expanded = text.replace(
    /%(.?)|\$\{([^}]*)\}/gs,
    (whole, letter: string | undefined, name: string | undefined) => {
      if (letter === '%') return '%';
      if (letter === undefined && environment === null) return whole;
      const value =
        letter === undefined ? environment?.[name ?? ''] : Object.hasOwn(tokens, letter) ? tokens[letter] : undefined;
      if (value === undefined) faults.push(letter === undefined ? `${whole} is not set` : `${whole} is not followed`);
      return value ?? whole;
    },
  );
  const [fault] = faults;
  return fault === undefined ? { text: expanded, fault: null } : { text: null, fault };
}
