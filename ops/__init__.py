"""Operations on a deployed platform: the embedded AWS on this machine today, drills and outputs of an account later."""
