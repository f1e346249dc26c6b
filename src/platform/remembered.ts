/** Returns a function that asks `answerTo` once for each key, and keeps all the answers. */
export function remembered<K, V>(answerTo: (key: K) => V): (key: K) => V {
  const answers = new Map<K, V>();
  return (key) => {
    if (!answers.has(key)) answers.set(key, answerTo(key));
    return answers.get(key) as V;
  };
}
