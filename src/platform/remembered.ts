/** Returns a function that calls `answerTo` once for each key, and keeps all results. */
export function remembered<K, V>(answerTo: (key: K) => V): (key: K) => V {
  const answers = new Map<K, V>();
  return (key) => {
    const known = answers.get(key);
    if (known !== undefined || answers.has(key)) return known as V;
    const answer = answerTo(key);
    answers.set(key, answer);
    return answer;
  };
}

/** Does what `remembered` does, for objects. Keeps a result for as long as its object exists. */
export function rememberedWeakly<K extends object, V extends object>(answerTo: (key: K) => V): (key: K) => V {
  const answers = new WeakMap<K, V>();
  return (key) => {
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = answerTo(key);
    answers.set(key, answer);
    return answer;
  };
}
