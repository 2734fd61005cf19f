CREATE INDEX events_by_slug ON events (slug, kind);
CREATE TABLE events ( id INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, slug TEXT, payload TEXT NOT NULL, source_hash TEXT REFERENCES sources (hash) ) STRICT;
CREATE TABLE sources ( hash TEXT PRIMARY KEY, data BLOB NOT NULL ) STRICT;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER sources_no_delete BEFORE DELETE ON sources BEGIN SELECT RAISE(ABORT, 'sources are append-only'); END;
CREATE TRIGGER sources_no_update BEFORE UPDATE ON sources BEGIN SELECT RAISE(ABORT, 'sources are append-only'); END;
CREATE TRIGGER sources_once BEFORE INSERT ON sources WHEN EXISTS (SELECT 1 FROM sources WHERE hash = NEW.hash) BEGIN SELECT RAISE(IGNORE); END;
