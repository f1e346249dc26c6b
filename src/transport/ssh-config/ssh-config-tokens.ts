/** The values of the tokens in a file name or host name of ssh_config (ssh_config(5), TOKENS). */
export type SshTokens = Readonly<Record<string, string>>;

/** An expanded text. If a token cannot be expanded, `text` is null and `fault` says which token. */
export interface Expanded {
  readonly text: string | null;
  readonly fault: string | null;
}

/**
 * Replaces `%x` by the given tokens and `%%` by `%`. Replaces `${NAME}` by its value if there is an environment. A
 * single pass, so that inserted text is not expanded again.
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
