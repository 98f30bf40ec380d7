// Pages that call addresses of other origins: for each visit, what each call is answered, or that it was stopped.
export default async (page, { visits }) => {
  const outcomes = [];
  for (const { url, calls } of visits) {
    await page.goto(url);
    outcomes.push(
      await page.evaluate(
        (asked) => Promise.all(asked.map(({ address, ...init }) =>
          fetch(address, init).then((answer) => answer.status, () => "stopped"))),
        calls,
      ),
    );
  }
  return outcomes;
};
