// A question in words finds what it is about: the theme's search takes each word for a beginning ("a" finds "asha-ising"), so that little
// words are left out of what its worker is asked.
(() => {
  const little = new Set(
    ("a an and are as at be by can do does for from get give have how i if in is it make me mine my of on one or should so some that the " +
      "their there this to use was what when where which why will with you your").split(" ")
  );
  const query = 2; // the theme's SearchMessageType.QUERY
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message && message.type === query && typeof message.data === "string") {
      const words = message.data.replace(/[?!.,;]+(\s|$)/g, "$1").split(/\s+/);
      const telling = words.filter(word => !little.has(word.toLowerCase()));
      message = { ...message, data: (telling.length ? telling : words).join(" ") };
    }
    return post.call(this, message, ...rest);
  };
})();
