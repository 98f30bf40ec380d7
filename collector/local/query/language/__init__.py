"""The filter language: `service=clip_encoder duration>50ms len_docs>=10 status=error`.

Text becomes terms (`parser`), whose names are declared in `fields`; `conditions` turns terms into SQL with parameters,
and `completion` offers what may be typed next.
"""
