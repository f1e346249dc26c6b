/**
 * The checks of servers that the agents make themselves: their options, as words `option=value` of conf files and of
 * requests. The expressions are read by JavaScript and by awk (build/bundle-capture.mjs), so they have neither
 * backslashes nor counts.
 */

const name = '[A-Za-z0-9_][A-Za-z0-9_.-]*';
const host = `([[][0-9A-Fa-f:.]+]|${name})`;
const time = '[0-9]+([.][0-9]+)?m?s';
const digit = '[0-9]';
/** 1 to 65535. */
const port = [
  `[1-9]${digit}?${digit}?${digit}?`,
  `[1-5]${digit.repeat(4)}`,
  `6[0-4]${digit.repeat(3)}`,
  `65[0-4]${digit.repeat(2)}`,
  `655[0-2]${digit}`,
  '6553[0-5]',
].join('|');
const endpoint = `${host}:(${port})|/.+`;
const duration = '[0-9]+[smhd]?';
const code = '[1-5][0-9][0-9](-[1-5][0-9][0-9])?';

/** The options of a check that speaks TLS. */
const ofTls = { verify: 'yes|no', ca: '/.+', warning: duration, critical: duration };

/** The options of each kind, and the form of their values. `needs` is the option without which there is no check. */
export const serverChecks = {
  http: {
    needs: 'url',
    options: {
      url: `https?://${host}(:(${port}))?([/?][^ ]*)?`,
      status: `${code}(,${code})*`,
      contains: '.+',
      lacks: '.+',
      follow: 'no|yes|same-host',
      connect: endpoint,
      family: '4|6',
      header: '[A-Za-z0-9-]+:.*',
      headerFile: '/.+',
      slow: `${time}(,${time})?`,
      ...ofTls,
    },
  },
  tcp: {
    needs: 'connect',
    options: {
      connect: endpoint,
      tls: 'yes|no',
      servername: name,
      send: '.+',
      expect: '.+',
      family: '4|6',
      slow: `${time}(,${time})?`,
      ...ofTls,
    },
  },
  dns: {
    needs: 'name',
    options: {
      name: '[A-Za-z0-9_][A-Za-z0-9_.:-]*',
      type: 'A|AAAA|CNAME|MX|TXT|NS|SOA|PTR|SRV',
      server: `[0-9A-Fa-f:.]+|[[][0-9A-Fa-f:.]+]:(${port})`,
      expect: '.+',
      slow: `${time}(,${time})?`,
    },
  },
} as const satisfies Record<string, { readonly needs: string; readonly options: Readonly<Record<string, string>> }>;

export type ServerKind = keyof typeof serverChecks;
export type ServerOption<Kind extends ServerKind> = keyof (typeof serverChecks)[Kind]['options'] & string;

/** True if a word names a kind of checks of servers. */
export function isServerKind(word: string): word is ServerKind {
  return Object.hasOwn(serverChecks, word);
}

/** Returns what is wrong with the words of a check, as the end of a sentence; null if nothing is. */
export function serverWordsFault(kind: ServerKind, words: readonly string[]): string | null {
  const { needs, options } = serverChecks[kind];
  const forms: Readonly<Record<string, string>> = options;
  for (const word of words) {
    const [option = ''] = word.split('=', 1);
    if (!Object.hasOwn(forms, option) || option === word) return 'a word is no option of it';
    if (!new RegExp(`^(${forms[option]})$`).test(word.slice(option.length + 1))) return `${option}= is wrong`;
  }
  return words.some((word) => word.startsWith(`${needs}=`)) ? null : `${needs}= is missing`;
}

/** Returns the values of an option, in their order. */
export function valuesOf(words: readonly string[], option: string): readonly string[] {
  return words.flatMap((word) => (word.startsWith(`${option}=`) ? word.slice(option.length + 1) : []));
}
