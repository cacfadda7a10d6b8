"""Settings of the parity tests."""

import transformers

transformers.logging.set_verbosity_error()
