from __future__ import annotations

from pygments.token import Keyword, Name, String

from sqlml.shell.highlighting import MLSqlLexer

STATEMENT = "create model m options (model_type = 'PCA') as from ml.predict(model m)"


def test_our_words() -> None:
    tokens = {text: kind for kind, text in MLSqlLexer().get_tokens(STATEMENT)}
    assert tokens["model"] in Keyword
    assert tokens["options"] in Keyword
    assert tokens["ml.predict"] is Name.Function
    assert tokens["'PCA'"] in String
    assert tokens["m"] in Name
    assert tokens["m"] is not Name.Function
