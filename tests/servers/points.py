"""What is taken for granted of a service until somebody with an account has asked it."""

import sys
import time

from seedbed.base.errors import InputError


class Points:
    """Claims, each with a check: a function of what is asked that returns whether it holds, and what was seen."""

    def __init__(self, path, head, foot):
        self.path, self.head, self.foot = path, head, foot  # of UNVERIFIED.md
        self.checks = []

    def __len__(self):
        return len(self.checks)

    def __call__(self, claim):
        """Register a check."""

        def register(check):
            self.checks.append((check.__name__, claim, check))
            return check

        return register

    def listed(self):
        """UNVERIFIED.md."""
        rows = "\n".join(f"| `{name}` | {claim} |" for name, claim, _ in self.checks)
        table = f"| point | what seedbed takes for granted |\n|---|---|\n{rows}"
        return f"{self.head}\n{table}\n\n{self.foot}"

    def write(self):
        """Write UNVERIFIED.md anew."""
        self.path.write_text(self.listed(), encoding="utf-8")

    def verify(self, asked, say=print):
        """Check every point; how many do not hold."""
        wrong, began = 0, time.monotonic()
        for name, claim, check in self.checks:
            try:
                holds, seen = check(asked)
            except Exception as error:
                holds, seen = False, f"{type(error).__name__}: {error}"
            wrong += not holds
            said = "as expected" if holds else "NOT SO    "
            say(f"{said}  {name}: {claim}\n             {seen}")
        count = len(self.checks)
        place = "/".join(self.path.parts[-4:])
        say(
            f"\n{count - wrong} of {count} points hold; {asked.chips} chips were asked for in "
            f"{time.monotonic() - began:.0f} s. Please report the table, also where all is well: "
            f"{place} says what it is for."
        )
        return wrong


def leave_after(main):
    """Leave with the exit code of `main`; what cannot be asked is said in one line."""
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(str(error))
