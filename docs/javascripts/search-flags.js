// Flags are found as they are written: the search takes a leading "-" as "without", and "max-usd" as two words of which
// one is enough. Here "--max-usd" and "max-usd" mean that both words occur, best in a heading.
(() => {
  const QUERY = 2;
  const flag = /(^|\s)(?:--?(?=\w)(\w+(?:[-_]\w+)*)|(\w+(?:[-_]\w+)+))(?=[\s=:]|$)/g;
  const translated = (text) =>
    text.replace(flag, (_, before, dashed, joined) => {
      const words = (dashed || joined).split(/[-_]/);
      return before + words.map((word) => `+${word} title:${word}^50`).join(" ");
    });
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    const asks = message && message.type === QUERY && typeof message.data === "string";
    return post.call(this, asks ? { ...message, data: translated(message.data) } : message, ...rest);
  };
})();
