"""The error the development stack raises for what the person at the keyboard can mend."""


class StackError(Exception):
    """One line that says what is wrong and what to do; shown without a stack trace."""
