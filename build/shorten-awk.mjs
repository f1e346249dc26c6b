// Shortens an awk program without a change of meaning: short names, no blanks that awk does not need. Made for the
// style of these files alone: no blank before the `(` of a call, one before any other `(` that follows a name.

const kept = new Set(
  (
    'BEGIN END NF NR FS RS ARGV ARGC ENVIRON RSTART RLENGTH break close continue delete do else for function getline ' +
    'gsub if in index int length match next print printf return split sprintf sub substr system tolower while'
  ).split(' '),
);
const taken = new Set(['do', 'if', 'in', 'or', 'fn']);

/** Returns the tokens of the program: texts, regular expressions, names, numbers, blanks, line breaks, the rest. */
function tokensOf(program) {
  const tokens = [];
  let last = '';
  for (let at = 0; at < program.length;) {
    const rest = program.slice(at);
    // A slash after a value divides.
    const isValue = /[\w\])]$/.test(last) && !kept.has(last);
    const pattern = [
      /^"(?:[^"\\]|\\.)*"/,
      isValue ? /^\b\B/ : /^\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//,
      /^[A-Za-z_]\w*/,
      /^\d+(?:\.\d+)?/,
      /^[ \t]+/,
      /^\\?\n/,
      /^(?:&&|\|\||[=!<>+\-*/%]=|\+\+|--|[^\s\w])/,
    ].find((one) => one.test(rest));
    const [token] = pattern.exec(rest);
    tokens.push(token);
    if (token.trim() !== '') last = token;
    at += token.length;
  }
  return tokens;
}

const isName = (token) => /^[A-Za-z_]\w*$/.test(token) && !kept.has(token);

/** Returns a short name for each name. Different names stay different. */
function shortNames(tokens) {
  const counts = new Map();
  for (const token of tokens) if (isName(token)) counts.set(token, (counts.get(token) ?? 0) + 1);
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const free = [...letters, ...[...letters].flatMap((one) => [...letters].map((two) => one + two))].filter(
    (name) => !taken.has(name) && !kept.has(name),
  );
  const byUse = [...counts].sort(([, one], [, other]) => other - one);
  return new Map(byUse.map(([name], at) => [name, free[at]]));
}

export function shortenAwk(program) {
  const tokens = tokensOf(program);
  const names = shortNames(tokens);
  let text = '';
  for (const [at, token] of tokens.entries()) {
    if (token.trim() === '' || token === '\\\n') {
      const isBreak = token === '\n';
      const next = tokens.slice(at + 1).find((one) => one.trim() !== '' && one !== '\\\n') ?? '';
      if (isBreak && /[{};,]$|&&$|\|\|$/.test(text)) continue;
      if (isBreak) text = `${text.trimEnd()}\n`;
      // A blank separates two words, signs that would join, and a name from a parenthesis that is no call.
      else if (/\b(?:if|while|for)$/.test(text) && next === '(') continue;
      else if (/[\w"]$/.test(text) && /^[\w"(]/.test(next)) text += /""$/.test(text.slice(-1) + next[0]) ? '' : ' ';
      else if (/[-+]$/.test(text) && /^[-+]/.test(next)) text += ' ';
      continue;
    }
    // Two texts in a row are one.
    if (token.startsWith('"') && text.endsWith('"')) text = text.slice(0, -1) + token.slice(1);
    else text += names.get(token) ?? token;
  }
  return text.replaceAll(/;\}/g, '}').trim();
}
