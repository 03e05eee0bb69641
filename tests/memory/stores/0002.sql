BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE audit_log (
	user_id VARCHAR(256) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	recipient TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	proposition_id VARCHAR(36), 
	decision VARCHAR(32) NOT NULL, 
	reason TEXT, 
	decided_at DATETIME NOT NULL, 
	CONSTRAINT pk_audit_log PRIMARY KEY (id), 
	CONSTRAINT fk_audit_log_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "audit_log" VALUES('ada','01a21169-308b-7651-a43a-4c3de17ccb8c','a shop','selling','01a21169-306d-7048-9ce8-5bad3915f638','withhold','private','2026-11-25 06:33:56.107458');
CREATE TABLE batch_members (
	user_id VARCHAR(256) NOT NULL, 
	batch_id VARCHAR(36) NOT NULL, 
	observation_id VARCHAR(36) NOT NULL, 
	applied_at DATETIME NOT NULL, 
	CONSTRAINT pk_batch_members PRIMARY KEY (batch_id, observation_id), 
	CONSTRAINT fk_batch_members_observation_id FOREIGN KEY(observation_id) REFERENCES observations (id) ON DELETE CASCADE, 
	CONSTRAINT fk_batch_members_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "batch_members" VALUES('ada','01a21169-3061-7709-ad0e-29a54bdcdfff','01a21169-3057-7287-bbb7-5b82b86b7794','2026-11-25 06:33:56.069573');
INSERT INTO "batch_members" VALUES('ada','01a21169-3061-7709-ad0e-29a54bdcdfff','01a21169-3057-7287-bbb7-5b83725f3d20','2026-11-25 06:33:56.069573');
INSERT INTO "batch_members" VALUES('ada','01a21169-306b-7330-833b-d8fff5e24467','01a21169-3057-7287-bbb7-5b8430dc1549','2026-11-25 06:33:56.077865');
INSERT INTO "batch_members" VALUES('ada','01a21169-306b-7330-833b-d8fff5e24467','01a21169-3057-7287-bbb7-5b86d6f02afb','2026-11-25 06:33:56.077865');
CREATE TABLE checkpoint_writes (
	user_id VARCHAR(256) NOT NULL, 
	thread_id VARCHAR(256) NOT NULL, 
	namespace VARCHAR(512) NOT NULL, 
	checkpoint_id VARCHAR(64) NOT NULL, 
	task_id VARCHAR(128) NOT NULL, 
	position INTEGER NOT NULL, 
	task_path TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	type VARCHAR(32) NOT NULL, 
	value BLOB NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	CONSTRAINT pk_checkpoint_writes PRIMARY KEY (user_id, thread_id, namespace, checkpoint_id, task_id, position), 
	CONSTRAINT fk_checkpoint_writes_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_checkpoint_writes_checkpoint FOREIGN KEY(user_id, thread_id, namespace, checkpoint_id) REFERENCES checkpoints (user_id, thread_id, namespace, id) ON DELETE CASCADE
);
INSERT INTO "checkpoint_writes" VALUES('ada','t','','1f1e8ee0-b7d3-6c07-bffe-dcd0fde1b906','task',0,'','channel','msgpack',X'A473616964','2026-11-25 16:34:11.791377');
CREATE TABLE checkpoints (
	user_id VARCHAR(256) NOT NULL, 
	thread_id VARCHAR(256) NOT NULL, 
	namespace VARCHAR(512) NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	parent_id VARCHAR(64), 
	run_id VARCHAR(64), 
	type VARCHAR(32) NOT NULL, 
	state BLOB NOT NULL, 
	metadata_type VARCHAR(32) NOT NULL, 
	metadata BLOB NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	CONSTRAINT pk_checkpoints PRIMARY KEY (user_id, thread_id, namespace, id), 
	CONSTRAINT fk_checkpoints_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "checkpoints" VALUES('ada','t','','1f1e8ee0-b7d3-6c07-bffe-dcd0fde1b906',NULL,NULL,'msgpack',X'88A17602A26964D92431663165386565302D623764332D366330372D626666652D646364306664653162393036A27473D920323032362D31312D32355431363A33343A31312E3738313336332B30303A3030AE6368616E6E656C5F76616C75657380B06368616E6E656C5F76657273696F6E7380AD76657273696F6E735F7365656E80AD70656E64696E675F73656E647390B0757064617465645F6368616E6E656C73C0','msgpack',X'82A6736F75726365A5696E707574A47374657001','2026-11-25 16:34:11.781460');
CREATE TABLE consents (
	user_id VARCHAR(256) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	source VARCHAR(256) NOT NULL, 
	granted BOOLEAN NOT NULL, 
	basis TEXT NOT NULL, 
	decided_at DATETIME NOT NULL, 
	CONSTRAINT pk_consents PRIMARY KEY (id), 
	CONSTRAINT fk_consents_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "consents" VALUES('ada','01a2138e-bddb-71c2-a33e-a8e68fb9d604','mail',0,'a form','2026-11-25 16:34:11.547212');
CREATE TABLE "documents" (
	user_id VARCHAR(256) NOT NULL, 
	id INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	observation_id VARCHAR(36), 
	proposition_id VARCHAR(36), 
	length INTEGER NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	retired_at DATETIME, 
	changed INTEGER DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_documents_proposition_id UNIQUE (proposition_id), 
	CONSTRAINT uq_documents_observation_id UNIQUE (observation_id), 
	CONSTRAINT ck_documents_owner CHECK ((kind = 'observation' AND observation_id IS NOT NULL AND proposition_id IS NULL) OR (kind = 'proposition' AND proposition_id IS NOT NULL AND observation_id IS NULL)), 
	CONSTRAINT fk_documents_proposition_id FOREIGN KEY(proposition_id) REFERENCES propositions (id) ON DELETE CASCADE, 
	CONSTRAINT fk_documents_observation_id FOREIGN KEY(observation_id) REFERENCES observations (id) ON DELETE CASCADE, 
	CONSTRAINT fk_documents_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "documents" VALUES('ada',1,'observation','01a21169-3057-7287-bbb7-5b82b86b7794',NULL,4,'2026-11-25 06:33:56.055141',NULL,0);
INSERT INTO "documents" VALUES('ada',2,'observation','01a21169-3057-7287-bbb7-5b83725f3d20',NULL,5,'2026-11-25 06:33:56.055281',NULL,0);
INSERT INTO "documents" VALUES('ada',3,'observation','01a21169-3057-7287-bbb7-5b8430dc1549',NULL,6,'2026-11-25 06:33:56.055292',NULL,0);
INSERT INTO "documents" VALUES('ada',4,'observation','01a21169-3057-7287-bbb7-5b85fc3f8533',NULL,1,'2026-11-25 06:33:56.055299',NULL,0);
INSERT INTO "documents" VALUES('ada',5,'observation','01a21169-3057-7287-bbb7-5b86d6f02afb',NULL,7,'2026-11-25 06:33:56.055310',NULL,0);
INSERT INTO "documents" VALUES('ada',6,'proposition',NULL,'01a21169-3064-7575-aaf4-eb268ba5c147',5,'2026-11-25 06:33:56.069573','2026-11-25 06:33:56.077865',0);
INSERT INTO "documents" VALUES('ada',7,'proposition',NULL,'01a21169-3064-7575-aaf4-eb27fdcb6b96',5,'2026-11-25 06:33:56.069573',NULL,0);
INSERT INTO "documents" VALUES('ada',8,'proposition',NULL,'01a21169-306d-7048-9ce8-5bad3915f638',5,'2026-11-25 06:33:56.077865',NULL,0);
INSERT INTO "documents" VALUES('bob',9,'observation','01a21169-308c-76d3-a3b8-c04e50edda18',NULL,2,'2026-11-25 06:33:56.108660',NULL,0);
INSERT INTO "documents" VALUES('bob',10,'observation','01a21169-3092-7428-bef2-426b469d68c8',NULL,3,'2026-11-25 06:33:56.114566',NULL,0);
CREATE TABLE erasures (
	user_id VARCHAR(256) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	erased_at DATETIME NOT NULL, 
	counts JSON NOT NULL, 
	remnants JSON NOT NULL, 
	CONSTRAINT pk_erasures PRIMARY KEY (id), 
	CONSTRAINT fk_erasures_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "erasures" VALUES('ada','01a2138e-be81-75cc-9989-b7049cc5736b','observation','2026-11-25 16:34:11.713937','{"observations": 1, "propositions": 0, "withheld": 0, "requeued": 0, "restored": 0, "portraits": 0, "checkpoints": 0}','[]');
CREATE TABLE evidence (
	user_id VARCHAR(256) NOT NULL, 
	proposition_id VARCHAR(36) NOT NULL, 
	position INTEGER NOT NULL, 
	observation_id VARCHAR(36) NOT NULL, 
	start INTEGER NOT NULL, 
	"end" INTEGER NOT NULL, 
	quote TEXT NOT NULL, 
	polarity VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_evidence PRIMARY KEY (proposition_id, position), 
	CONSTRAINT ck_evidence_polarity CHECK (polarity IN ('supports', 'contradicts')), 
	CONSTRAINT fk_evidence_observation_id FOREIGN KEY(observation_id) REFERENCES observations (id) ON DELETE CASCADE, 
	CONSTRAINT fk_evidence_proposition_id FOREIGN KEY(proposition_id) REFERENCES propositions (id) ON DELETE CASCADE, 
	CONSTRAINT fk_evidence_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "evidence" VALUES('ada','01a21169-3064-7575-aaf4-eb268ba5c147',0,'01a21169-3057-7287-bbb7-5b82b86b7794',2,15,'live in Porto','supports');
INSERT INTO "evidence" VALUES('ada','01a21169-3064-7575-aaf4-eb27fdcb6b96',0,'01a21169-3057-7287-bbb7-5b83725f3d20',6,22,'Alien (1979) 5/5','supports');
INSERT INTO "evidence" VALUES('ada','01a21169-306d-7048-9ce8-5bad3915f638',0,'01a21169-3057-7287-bbb7-5b8430dc1549',2,17,'moved to Lisbon','supports');
CREATE TABLE merges (
	user_id VARCHAR(256) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	merged_id VARCHAR(256) NOT NULL, 
	merged_at DATETIME NOT NULL, 
	CONSTRAINT pk_merges PRIMARY KEY (id), 
	CONSTRAINT fk_merges_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE "observations" (
	user_id VARCHAR(256) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	text TEXT NOT NULL, 
	source VARCHAR(256) NOT NULL, 
	author VARCHAR(16) NOT NULL, 
	event JSON, 
	media JSON, 
	occurred_at DATETIME NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	"key" VARCHAR(512), 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt_at DATETIME, 
	last_error TEXT, 
	claim_id VARCHAR(36), 
	claim_holder VARCHAR(320), 
	claim_expires_at DATETIME, 
	session VARCHAR(256), 
	origin VARCHAR(256), 
	utc_offset INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_observations PRIMARY KEY (id), 
	CONSTRAINT uq_observations_user_id_key UNIQUE (user_id, "key"), 
	CONSTRAINT ck_observations_state CHECK (state IN ('pending', 'claimed', 'done', 'parked')), 
	CONSTRAINT fk_observations_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "observations" VALUES('ada','01a21169-3057-7287-bbb7-5b82b86b7794','I live in Porto.','chat','user',NULL,NULL,'2026-03-01 12:00:00.000000','2026-11-25 06:33:56.055141','k1','done',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "observations" VALUES('ada','01a21169-3057-7287-bbb7-5b83725f3d20','Rated Alien (1979) 5/5','ratings','user','{"kind": "rating", "item_id": "1", "title": "Alien (1979)", "item_type": "item", "value": 5.0, "scale": [1.0, 5.0], "attributes": {"genre": ["Horror"], "year": 1979.0}}',NULL,'2026-03-01 13:00:00.000000','2026-11-25 06:33:56.055281',NULL,'done',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "observations" VALUES('ada','01a21169-3057-7287-bbb7-5b8430dc1549','I moved to Lisbon in May.','chat','user',NULL,NULL,'2026-05-30 12:00:00.000000','2026-11-25 06:33:56.055292',NULL,'done',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "observations" VALUES('ada','01a21169-3057-7287-bbb7-5b85fc3f8533','Noted.','chat','assistant',NULL,NULL,'2026-05-30 12:00:05.000000','2026-11-25 06:33:56.055299',NULL,'done',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "observations" VALUES('ada','01a21169-3057-7287-bbb7-5b86d6f02afb','私は猫が好きです。','chat','user',NULL,NULL,'2026-05-31 12:00:00.000000','2026-11-25 06:33:56.055310',NULL,'done',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "observations" VALUES('bob','01a21169-308c-76d3-a3b8-c04e50edda18','I fish.','user','user',NULL,NULL,'2026-03-01 12:00:00.000000','2026-11-25 06:33:56.108660',NULL,'pending',1,'2026-11-25 06:34:26.118231','the model failed',NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "observations" VALUES('bob','01a21169-3092-7428-bef2-426b469d68c8','Not encoded yet.','user','user',NULL,NULL,'2026-03-01 12:00:00.000000','2026-11-25 06:33:56.114566',NULL,'pending',1,'2026-11-25 06:34:26.118749','the model failed',NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE outbox (
	user_id VARCHAR(256) NOT NULL, 
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	action VARCHAR(16) NOT NULL, 
	document_id INTEGER, 
	encoder VARCHAR(200), 
	encoder_version VARCHAR(100), 
	created_at DATETIME NOT NULL, 
	lease_id VARCHAR(36), 
	lease_expires_at DATETIME, lease_holder VARCHAR(320), 
	CONSTRAINT ck_outbox_action CHECK (action IN ('upsert', 'rewrite')), 
	CONSTRAINT fk_outbox_document_id FOREIGN KEY(document_id) REFERENCES documents (id) ON DELETE CASCADE, 
	CONSTRAINT fk_outbox_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "outbox" VALUES('ada',1,'upsert',1,'hash','1-16','2026-11-25 06:33:56.099154',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES('ada',2,'upsert',2,'hash','1-16','2026-11-25 06:33:56.099154',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES('ada',3,'upsert',3,'hash','1-16','2026-11-25 06:33:56.099154',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES('ada',4,'upsert',4,'hash','1-16','2026-11-25 06:33:56.099154',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES('ada',5,'upsert',5,'hash','1-16','2026-11-25 06:33:56.099154',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES('ada',6,'upsert',6,'hash','1-16','2026-11-25 06:33:56.099154',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES('ada',7,'upsert',7,'hash','1-16','2026-11-25 06:33:56.099154',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES('ada',8,'upsert',8,'hash','1-16','2026-11-25 06:33:56.099154',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES('bob',9,'upsert',9,'hash','1-16','2026-11-25 06:33:56.111917',NULL,NULL,NULL);
INSERT INTO "outbox" VALUES('ada',10,'rewrite',NULL,NULL,NULL,'2026-11-25 16:34:11.713937',NULL,NULL,NULL);
CREATE TABLE portrait_basis (
	user_id VARCHAR(256) NOT NULL, 
	portrait_id VARCHAR(36) NOT NULL, 
	owner_kind VARCHAR(16) NOT NULL, 
	owner_id VARCHAR(36) NOT NULL, 
	CONSTRAINT pk_portrait_basis PRIMARY KEY (portrait_id, owner_kind, owner_id), 
	CONSTRAINT ck_portrait_basis_owner_kind CHECK (owner_kind IN ('observation', 'proposition')), 
	CONSTRAINT fk_portrait_basis_portrait_id FOREIGN KEY(portrait_id) REFERENCES portraits (id) ON DELETE CASCADE, 
	CONSTRAINT fk_portrait_basis_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "portrait_basis" VALUES('ada','01a21169-3089-74f3-a573-5939974f7efa','observation','01a21169-3057-7287-bbb7-5b8430dc1549');
INSERT INTO "portrait_basis" VALUES('ada','01a21169-3089-74f3-a573-5939974f7efa','proposition','01a21169-306d-7048-9ce8-5bad3915f638');
CREATE TABLE portraits (
	user_id VARCHAR(256) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	kind VARCHAR(64) NOT NULL, 
	task TEXT, 
	lines JSON NOT NULL, 
	drawn_at DATETIME NOT NULL, 
	model TEXT, 
	prompt_hash VARCHAR(64), 
	CONSTRAINT pk_portraits PRIMARY KEY (id), 
	CONSTRAINT fk_portraits_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "portraits" VALUES('ada','01a21169-3089-74f3-a573-5939974f7efa','summary',NULL,'[{"text": "Lives in Lisbon.", "confidence": 8.0, "propositions": ["01a21169-306d-7048-9ce8-5bad3915f638"], "evidence": [{"observation_id": "01a21169-3057-7287-bbb7-5b8430dc1549", "start": 2, "end": 17, "quote": "moved to Lisbon", "polarity": "supports"}]}]','2026-11-25 06:33:56.105405',NULL,NULL);
CREATE TABLE propositions (
	user_id VARCHAR(256) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	group_id VARCHAR(36) NOT NULL, 
	text TEXT NOT NULL, 
	reasoning TEXT NOT NULL, 
	confidence FLOAT NOT NULL, 
	durability INTEGER NOT NULL, 
	standing INTEGER NOT NULL, 
	topic TEXT, 
	valid_from DATETIME, 
	valid_until DATETIME, 
	recorded_at DATETIME NOT NULL, 
	retired_at DATETIME, 
	retired_because TEXT, 
	withheld_at DATETIME, 
	withheld_because TEXT, 
	model TEXT, 
	prompt_hash VARCHAR(64), 
	batch_id VARCHAR(36), 
	retired_by_batch VARCHAR(36), observed_at DATETIME, pinned_at DATETIME, denied_at DATETIME, 
	CONSTRAINT pk_propositions PRIMARY KEY (id), 
	CONSTRAINT fk_propositions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "propositions" VALUES('ada','01a21169-3064-7575-aaf4-eb268ba5c147','01a21169-3064-7575-aaf4-eb268ba5c147','The user lives in Porto.','They say so.',8.0,8,1,NULL,NULL,NULL,'2026-11-25 06:33:56.069573','2026-11-25 06:33:56.077865','revised by 01a21169-306d-7048-9ce8-5bad3915f638',NULL,NULL,NULL,NULL,'01a21169-3061-7709-ad0e-29a54bdcdfff','01a21169-306b-7330-833b-d8fff5e24467',NULL,NULL,NULL);
INSERT INTO "propositions" VALUES('ada','01a21169-3064-7575-aaf4-eb27fdcb6b96','01a21169-3064-7575-aaf4-eb27fdcb6b96','The user loves horror films.','',6.0,6,0,'rating/-/genre/Horror',NULL,NULL,'2026-11-25 06:33:56.069573',NULL,NULL,NULL,NULL,NULL,NULL,'01a21169-3061-7709-ad0e-29a54bdcdfff',NULL,NULL,NULL,NULL);
INSERT INTO "propositions" VALUES('ada','01a21169-306d-7048-9ce8-5bad3915f638','01a21169-3064-7575-aaf4-eb268ba5c147','The user lives in Lisbon.','',8.0,8,1,NULL,NULL,NULL,'2026-11-25 06:33:56.077865',NULL,NULL,NULL,NULL,NULL,NULL,'01a21169-306b-7330-833b-d8fff5e24467',NULL,NULL,NULL,NULL);
CREATE TABLE rederivations (
	user_id VARCHAR(256) NOT NULL, 
	erasure_id VARCHAR(36) NOT NULL, 
	observation_id VARCHAR(36) NOT NULL, 
	CONSTRAINT pk_rederivations PRIMARY KEY (erasure_id, observation_id), 
	CONSTRAINT fk_rederivations_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_rederivations_erasure_id FOREIGN KEY(erasure_id) REFERENCES erasures (id) ON DELETE CASCADE, 
	CONSTRAINT fk_rederivations_observation_id FOREIGN KEY(observation_id) REFERENCES observations (id) ON DELETE CASCADE
);
CREATE TABLE sources (
	user_id VARCHAR(256) NOT NULL, 
	source VARCHAR(256) NOT NULL, 
	paused_at DATETIME, 
	retain_days INTEGER, 
	CONSTRAINT pk_sources PRIMARY KEY (user_id, source), 
	CONSTRAINT ck_sources_retain_days CHECK (retain_days >= 0), 
	CONSTRAINT fk_sources_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "sources" VALUES('ada','chat',NULL,0);
INSERT INTO "sources" VALUES('ada','films','2026-11-25 16:34:11.570552',NULL);
ANALYZE "sqlite_master";
INSERT INTO "sqlite_stat1" VALUES('audit_log','ix_audit_log_user_id_decided_at','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('audit_log','sqlite_autoindex_audit_log_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('batch_members','ix_batch_members_observation_id','1000000 12');
INSERT INTO "sqlite_stat1" VALUES('batch_members','ix_batch_members_user_id_observation_id','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('batch_members','sqlite_autoindex_batch_members_1','1000000 12 1');
INSERT INTO "sqlite_stat1" VALUES('checkpoint_writes','sqlite_autoindex_checkpoint_writes_1','1000000 1000 10 2 2 2 1');
INSERT INTO "sqlite_stat1" VALUES('checkpoints','ix_checkpoints_user_id_recorded_at','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('checkpoints','sqlite_autoindex_checkpoints_1','1000000 1000 10 2 1');
INSERT INTO "sqlite_stat1" VALUES('consents','ix_consents_user_id_source_decided_at','1000000 1000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('consents','sqlite_autoindex_consents_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('documents','ix_documents_user_id_changed','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('documents','ix_documents_user_id_kind_retired_at_recorded_at_length','1000000 1000 1000 1000 10 2');
INSERT INTO "sqlite_stat1" VALUES('documents','sqlite_autoindex_documents_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('documents','sqlite_autoindex_documents_2','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('erasures','ix_erasures_user_id_erased_at','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('erasures','sqlite_autoindex_erasures_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('evidence','ix_evidence_observation_id','1000000 12');
INSERT INTO "sqlite_stat1" VALUES('evidence','ix_evidence_user_id_observation_id','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('evidence','sqlite_autoindex_evidence_1','1000000 12 1');
INSERT INTO "sqlite_stat1" VALUES('merges','ix_merges_user_id_merged_at','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('merges','sqlite_autoindex_merges_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('observations','ix_observations_user_id_occurred_at_id','1000000 1000 10 2');
INSERT INTO "sqlite_stat1" VALUES('observations','ix_observations_user_id_source_occurred_at_id','1000000 1000 1000 10 2');
INSERT INTO "sqlite_stat1" VALUES('observations','ix_observations_user_id_state_occurred_at_id','1000000 1000 1000 10 2');
INSERT INTO "sqlite_stat1" VALUES('observations','sqlite_autoindex_observations_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('observations','sqlite_autoindex_observations_2','1000000 1000 1');
INSERT INTO "sqlite_stat1" VALUES('outbox','ix_outbox_document_id','1000000 12');
INSERT INTO "sqlite_stat1" VALUES('outbox','ix_outbox_user_id_id','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('portrait_basis','ix_portrait_basis_user_id_owner_id','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('portrait_basis','sqlite_autoindex_portrait_basis_1','1000000 12 2 1');
INSERT INTO "sqlite_stat1" VALUES('portraits','ix_portraits_user_id_kind_drawn_at','1000000 1000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('portraits','sqlite_autoindex_portraits_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('propositions','ix_propositions_user_id_group_id','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('propositions','ix_propositions_user_id_retired_at_recorded_at','1000000 1000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('propositions','sqlite_autoindex_propositions_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('propositions','uq_propositions_current_topic','1000000 1000 1');
INSERT INTO "sqlite_stat1" VALUES('rederivations','ix_rederivations_observation_id','1000000 12');
INSERT INTO "sqlite_stat1" VALUES('rederivations','sqlite_autoindex_rederivations_1','1000000 12 1');
INSERT INTO "sqlite_stat1" VALUES('sources','sqlite_autoindex_sources_1','1000000 1000 1');
INSERT INTO "sqlite_stat1" VALUES('stray_indexes','sqlite_autoindex_stray_indexes_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('supersessions','ix_supersessions_superseded_id','1000000 12');
INSERT INTO "sqlite_stat1" VALUES('supersessions','ix_supersessions_user_id_superseded_id','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('supersessions','sqlite_autoindex_supersessions_1','1000000 12 1');
INSERT INTO "sqlite_stat1" VALUES('terms','ix_terms_document_id','12000000 12');
INSERT INTO "sqlite_stat1" VALUES('terms','sqlite_autoindex_terms_1','12000000 12000 120 1');
INSERT INTO "sqlite_stat1" VALUES('tombstones','sqlite_autoindex_tombstones_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('users','sqlite_autoindex_users_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('vectors','ix_vectors_user_id_encoder_encoder_version_document_id','1000000 1000 1000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('vectors','sqlite_autoindex_vectors_1','1000000 12 12 1');
INSERT INTO "sqlite_stat1" VALUES('verdicts','ix_verdicts_proposition_id','1000000 12');
INSERT INTO "sqlite_stat1" VALUES('verdicts','ix_verdicts_user_id_proposition_id','1000000 1000 10');
INSERT INTO "sqlite_stat1" VALUES('verdicts','sqlite_autoindex_verdicts_1','1000000 1');
CREATE TABLE store (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, retained_at DATETIME, encoder VARCHAR(200), encoder_version VARCHAR(100), encoder_since DATETIME, 
	CONSTRAINT pk_store PRIMARY KEY (id)
);
INSERT INTO "store" VALUES('0ab70a29-49fc-4d4b-9935-c6b6840bbaa6','2026-11-25 06:33:56.035764',NULL,NULL,NULL,NULL);
CREATE TABLE stray_indexes (
	digest VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_stray_indexes PRIMARY KEY (digest)
);
CREATE TABLE supersessions (
	user_id VARCHAR(256) NOT NULL, 
	proposition_id VARCHAR(36) NOT NULL, 
	superseded_id VARCHAR(36) NOT NULL, 
	CONSTRAINT pk_supersessions PRIMARY KEY (proposition_id, superseded_id), 
	CONSTRAINT fk_supersessions_proposition_id FOREIGN KEY(proposition_id) REFERENCES propositions (id) ON DELETE CASCADE, 
	CONSTRAINT fk_supersessions_superseded_id FOREIGN KEY(superseded_id) REFERENCES propositions (id) ON DELETE CASCADE, 
	CONSTRAINT fk_supersessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "supersessions" VALUES('ada','01a21169-306d-7048-9ce8-5bad3915f638','01a21169-3064-7575-aaf4-eb268ba5c147');
CREATE TABLE terms (
	user_id VARCHAR(256) NOT NULL, 
	term VARCHAR(64) NOT NULL, 
	document_id INTEGER NOT NULL, 
	frequency INTEGER NOT NULL, 
	CONSTRAINT pk_terms PRIMARY KEY (user_id, term, document_id), 
	CONSTRAINT fk_terms_document_id FOREIGN KEY(document_id) REFERENCES documents (id) ON DELETE CASCADE, 
	CONSTRAINT fk_terms_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "terms" VALUES('ada','1979',2,1);
INSERT INTO "terms" VALUES('ada','5',2,2);
INSERT INTO "terms" VALUES('ada','alien',2,1);
INSERT INTO "terms" VALUES('ada','film',7,1);
INSERT INTO "terms" VALUES('ada','horror',7,1);
INSERT INTO "terms" VALUES('ada','i',1,1);
INSERT INTO "terms" VALUES('ada','i',3,1);
INSERT INTO "terms" VALUES('ada','in',1,1);
INSERT INTO "terms" VALUES('ada','in',3,1);
INSERT INTO "terms" VALUES('ada','in',6,1);
INSERT INTO "terms" VALUES('ada','in',8,1);
INSERT INTO "terms" VALUES('ada','lisbon',3,1);
INSERT INTO "terms" VALUES('ada','lisbon',8,1);
INSERT INTO "terms" VALUES('ada','live',1,1);
INSERT INTO "terms" VALUES('ada','live',6,1);
INSERT INTO "terms" VALUES('ada','live',8,1);
INSERT INTO "terms" VALUES('ada','love',7,1);
INSERT INTO "terms" VALUES('ada','may',3,1);
INSERT INTO "terms" VALUES('ada','move',3,1);
INSERT INTO "terms" VALUES('ada','note',4,1);
INSERT INTO "terms" VALUES('ada','porto',1,1);
INSERT INTO "terms" VALUES('ada','porto',6,1);
INSERT INTO "terms" VALUES('ada','rate',2,1);
INSERT INTO "terms" VALUES('ada','the',6,1);
INSERT INTO "terms" VALUES('ada','the',7,1);
INSERT INTO "terms" VALUES('ada','the',8,1);
INSERT INTO "terms" VALUES('ada','to',3,1);
INSERT INTO "terms" VALUES('ada','user',6,1);
INSERT INTO "terms" VALUES('ada','user',7,1);
INSERT INTO "terms" VALUES('ada','user',8,1);
INSERT INTO "terms" VALUES('ada','が好',5,1);
INSERT INTO "terms" VALUES('ada','きで',5,1);
INSERT INTO "terms" VALUES('ada','です',5,1);
INSERT INTO "terms" VALUES('ada','は猫',5,1);
INSERT INTO "terms" VALUES('ada','好き',5,1);
INSERT INTO "terms" VALUES('ada','猫が',5,1);
INSERT INTO "terms" VALUES('ada','私は',5,1);
INSERT INTO "terms" VALUES('bob','encod',10,1);
INSERT INTO "terms" VALUES('bob','fish',9,1);
INSERT INTO "terms" VALUES('bob','i',9,1);
INSERT INTO "terms" VALUES('bob','not',10,1);
INSERT INTO "terms" VALUES('bob','yet',10,1);
CREATE TABLE tombstones (
	digest VARCHAR(32) NOT NULL, 
	erased_at DATETIME NOT NULL, 
	CONSTRAINT pk_tombstones PRIMARY KEY (digest)
)
 WITHOUT ROWID

;
INSERT INTO "tombstones" VALUES('6174e393b97032498611864a86177033','2026-11-25 16:34:11.710593');
CREATE TABLE "users" (
	id VARCHAR(256) NOT NULL, 
	created_at DATETIME NOT NULL, 
	version INTEGER DEFAULT 0 NOT NULL, 
	epoch INTEGER DEFAULT 0 NOT NULL, paused_at DATETIME, index_key VARCHAR(64), 
	CONSTRAINT pk_users PRIMARY KEY (id)
);
INSERT INTO "users" VALUES('ada','2026-11-25 06:33:56.055427',2,1763822538,NULL,NULL);
INSERT INTO "users" VALUES('bob','2026-11-25 06:33:56.108792',0,0,NULL,NULL);
CREATE TABLE vectors (
	user_id VARCHAR(256) NOT NULL, 
	document_id INTEGER NOT NULL, 
	encoder VARCHAR(200) NOT NULL, 
	encoder_version VARCHAR(100) NOT NULL, 
	dimension INTEGER NOT NULL, 
	vector BLOB NOT NULL, 
	CONSTRAINT pk_vectors PRIMARY KEY (document_id, encoder, encoder_version), 
	CONSTRAINT fk_vectors_document_id FOREIGN KEY(document_id) REFERENCES documents (id) ON DELETE CASCADE, 
	CONSTRAINT fk_vectors_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "vectors" VALUES('ada',1,'hash','1-16',16,X'719B6A3EE3A6F53CD9B9843C35E6A0BEE7CD1E3CD912813EE1928CBEB62B63BECB1284BDE6242BBF354DDCBD21FCC9BEC83FB13DB7F9DB3DC6EE173EA445383B');
INSERT INTO "vectors" VALUES('ada',2,'hash','1-16',16,X'89C021BE1723B5BEC4B020BD3CB4A23EC8A955BDB6D4243EC6B09B3EA8FAF43DBD2E98BE2E5D8F3E8E2C573ED01302BD6007323E764FC0BD9433183F2AA1B13D');
INSERT INTO "vectors" VALUES('ada',3,'hash','1-16',16,X'95B25EBEF79A613E8CEBD03EC2F6F8BCDD6CA03DCF68483CB5A4613E91897EBE0BAF93BD7542B4BE77E9B5BE52EFABBEAB3171BEC4EF73BEAAF9BCBE9615723D');
INSERT INTO "vectors" VALUES('ada',4,'hash','1-16',16,X'30A281BEE81C1CBE6C1BAC3E205D6A3D6B9B833E0A179B3D41F146BEF7398CBD3E39FF3CB40D263C0B183F3F4E432B3E8E2B58BE6074483E9E637D3D3541C43D');
INSERT INTO "vectors" VALUES('ada',5,'hash','1-16',16,X'8D3902BDB22B87BEA1749E3D7EF6313D68128F3E89F9A73D353530BEDE9562BDF30C11BEBA1C2D3F38DA643D4BFA563E998DB13EB01C90BCF8BF863E943A993E');
INSERT INTO "vectors" VALUES('ada',7,'hash','1-16',16,X'024E443E3F6719BF028D183CF370023D37499D3DAF862BBE748F343E1E700DBF9C7A45BD0CA8B43E91D49FBC9FD897BEFD67853CE7A550BDA91AF1BDD6F7F43C');
INSERT INTO "vectors" VALUES('ada',8,'hash','1-16',16,X'4A01CC3E0779793DCFE432BED785993D71EB613E7F023DBE0F7A51BEF32F81BE0AF11B3EDFDE17BDF99A71BEB85000BFEFAE1DBE50C010BE59E3D1BEE46287BE');
INSERT INTO "vectors" VALUES('ada',6,'hash','1-16',16,X'7323CB3E1020CF37FC7598BD574A883ECD5CFC3D0261A0BCF10BC2BEB13902BEB71BD53D429083BEF995853C7E0CEBBEC2EBF1BC4EDD41BCE5BECDBE11DFBFBE');
INSERT INTO "vectors" VALUES('bob',9,'hash','1-16',16,X'18FA99BE4A73153E413E8A3E2B0504BF8AD1653D7B58EEBDD9D49BBC46A08BBEF6BB683E29BCADBE488F3C3EACC7A6BD7B3E873E31C9AABE05EA1E3E07785ABE');
CREATE TABLE verdicts (
	user_id VARCHAR(256) NOT NULL, 
	observation_id VARCHAR(36) NOT NULL, 
	proposition_id VARCHAR(36), 
	kind VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_verdicts PRIMARY KEY (observation_id), 
	CONSTRAINT ck_verdicts_kind CHECK (kind IN ('confirm', 'correct', 'deny', 'pin', 'unpin')), 
	CONSTRAINT fk_verdicts_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT fk_verdicts_observation_id FOREIGN KEY(observation_id) REFERENCES observations (id) ON DELETE CASCADE, 
	CONSTRAINT fk_verdicts_proposition_id FOREIGN KEY(proposition_id) REFERENCES propositions (id) ON DELETE SET NULL
);
CREATE INDEX ix_audit_log_user_id_decided_at ON audit_log (user_id, decided_at);
CREATE INDEX ix_portraits_user_id_kind_drawn_at ON portraits (user_id, kind, drawn_at);
CREATE INDEX ix_propositions_user_id_group_id ON propositions (user_id, group_id);
CREATE INDEX ix_propositions_user_id_retired_at_recorded_at ON propositions (user_id, retired_at, recorded_at);
CREATE UNIQUE INDEX uq_propositions_current_topic ON propositions (user_id, topic) WHERE retired_at IS NULL AND topic IS NOT NULL;
CREATE INDEX ix_batch_members_observation_id ON batch_members (observation_id);
CREATE INDEX ix_batch_members_user_id_observation_id ON batch_members (user_id, observation_id);
CREATE INDEX ix_evidence_observation_id ON evidence (observation_id);
CREATE INDEX ix_evidence_user_id_observation_id ON evidence (user_id, observation_id);
CREATE INDEX ix_portrait_basis_user_id_owner_id ON portrait_basis (user_id, owner_id);
CREATE INDEX ix_supersessions_superseded_id ON supersessions (superseded_id);
CREATE INDEX ix_supersessions_user_id_superseded_id ON supersessions (user_id, superseded_id);
CREATE INDEX ix_outbox_document_id ON outbox (document_id);
CREATE INDEX ix_outbox_user_id_id ON outbox (user_id, id);
CREATE INDEX ix_terms_document_id ON terms (document_id);
CREATE INDEX ix_vectors_user_id_encoder_encoder_version_document_id ON vectors (user_id, encoder, encoder_version, document_id);
CREATE INDEX ix_documents_user_id_kind_retired_at_recorded_at_length ON documents (user_id, kind, retired_at, recorded_at, length);
CREATE INDEX ix_documents_user_id_changed ON documents (user_id, changed);
CREATE INDEX ix_observations_user_id_source_occurred_at_id ON observations (user_id, source, occurred_at, id);
CREATE INDEX ix_observations_user_id_state_occurred_at_id ON observations (user_id, state, occurred_at, id);
CREATE INDEX ix_observations_user_id_occurred_at_id ON observations (user_id, occurred_at, id);
CREATE INDEX ix_consents_user_id_source_decided_at ON consents (user_id, source, decided_at);
CREATE INDEX ix_merges_user_id_merged_at ON merges (user_id, merged_at);
CREATE INDEX ix_verdicts_user_id_proposition_id ON verdicts (user_id, proposition_id);
CREATE INDEX ix_verdicts_proposition_id ON verdicts (proposition_id);
CREATE INDEX ix_erasures_user_id_erased_at ON erasures (user_id, erased_at);
CREATE INDEX ix_rederivations_observation_id ON rederivations (observation_id);
CREATE INDEX ix_checkpoints_user_id_recorded_at ON checkpoints (user_id, recorded_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',10);
COMMIT;
