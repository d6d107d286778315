"""stub"""

from contextlib import contextmanager


class Progress:
    def say(self, text):
        pass

    def step(self, done, total, what):
        pass


@contextmanager
def showing(progress):
    yield Progress()
